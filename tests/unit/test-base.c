/* SPDX-License-Identifier: BSD-2-Clause */
/* The small ones of src/base/: err, pool, slots, split, strbuf, utc. */
#include "base/base.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/slots.h"
#include "base/split.h"
#include "base/strbuf.h"
#include "base/utc.h"
#include <setjmp.h>
#include <cmocka.h>

static void
test_err(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, "no %s", "bread"), -1);
	assert_string_equal(err.text, "no bread");
	errno = ENOENT;
	assert_int_equal(err_sys(&err, "open %s", "larder"), -1);
	assert_string_equal(err.text, "open larder: No such file or directory");
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err_prefix(&err, "breakfast %d", 1), -1);
	assert_string_equal(
	    err.text, "breakfast 1: open larder: No such file or directory");
	assert_int_equal(err_set(NULL, "%s", "nobody asks"), -1);
	assert_int_equal(err_sys(NULL, "%s", "nobody asks"), -1);
	assert_int_equal(err_prefix(NULL, "%s", "nobody asks"), -1);
}

static void
test_err_is_bounded(void **state)
{
	char flood[2000];
	struct err err;

	(void)state;
	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\0';
	err_set(&err, "%s", flood);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "why");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "why: xxx", 8);
	errno = EIO;
	err_sys(&err, "%s", flood);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "%s", flood);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

struct thing {
	uint32_t hash;
	bool there;
};

/* How often the table hands the thing out, to who asks for its hash. */
static int
slots_hold(const struct slots *slots, const struct thing *thing)
{
	const struct thing *found;
	size_t at = 0;
	int n = 0;

	while ((found = slots_next(slots, thing->hash, &at)) != NULL) {
		assert_int_equal(found->hash, thing->hash);
		n += found == thing;
	}
	return n;
}

static void
slots_check(const struct slots *slots, const struct thing *thing, size_t n)
{
	size_t i, there = 0;

	for (i = 0; i < n; i++) {
		assert_int_equal(slots_hold(slots, &thing[i]), thing[i].there);
		there += thing[i].there;
	}
	assert_int_equal(slots->used, there);
	assert_true(there == 0 || there * 2 <= slots->mask + 1);
}

/* Adds and removes at random; few hashes, so that they run into each other. */
static void
slots_play(uint32_t hashes, uint32_t first)
{
	enum { THINGS = 300, ROUNDS = 4000 };
	struct thing thing[THINGS];
	struct slots slots = {0};
	uint32_t random = 1;
	size_t i;

	for (i = 0; i < THINGS; i++)
		thing[i] = (struct thing){first + (uint32_t)i % hashes, false};
	slots_check(&slots, thing, THINGS);
	for (i = 0; i < ROUNDS; i++) {
		struct thing *t;

		random = random * 1664525 + 1013904223;
		t = &thing[(random >> 8) % THINGS];
		if (t->there)
			slots_remove(&slots, t->hash, t);
		else
			slots_add(&slots, t->hash, t);
		t->there = !t->there;
		if (i % 50 == 0)
			slots_check(&slots, thing, THINGS);
	}
	for (i = 0; i < THINGS; i++)
		if (thing[i].there) {
			slots_remove(&slots, thing[i].hash, &thing[i]);
			thing[i].there = false;
		}
	slots_check(&slots, thing, THINGS);
	for (i = 0; i <= slots.mask; i++)
		assert_null(slots.slot[i].object);
	slots_fini(&slots);
}

static void
test_slots(void **state)
{
	(void)state;
	slots_play(300, 0);
	slots_play(60, 7);
	slots_play(3, 63);
	slots_play(1, UINT32_MAX);
	slots_play(100, UINT32_MAX - 50); /* over the table's end */
}

static void
test_slots_when_empty(void **state)
{
	struct slots slots = {0};
	size_t at = 0;

	(void)state;
	assert_null(slots_home(&slots, 5));
	assert_null(slots_next(&slots, 5, &at));
	slots_fini(&slots);
}

static void
test_pool(void **state)
{
	enum { OBJECTS = 5000 };
	static unsigned char *object[OBJECTS];
	struct pool pool;
	int i, j;

	(void)state;
	pool_init(&pool, 57);
	for (i = 0; i < OBJECTS; i++) {
		object[i] = pool_get(&pool);
		assert_int_equal(
		    (uintptr_t)object[i] % _Alignof(max_align_t), 0);
		for (j = 0; j < 57; j++)
			assert_int_equal(object[i][j], 0);
		memset(object[i], i & 0xff, 57);
	}
	assert_int_equal(pool.used, OBJECTS);
	/* none overlaps another */
	for (i = 0; i < OBJECTS; i++)
		for (j = 0; j < 57; j++)
			assert_int_equal(object[i][j], i & 0xff);
	for (i = 0; i < OBJECTS; i += 2)
		pool_put(&pool, object[i]);
	assert_int_equal(pool.used, OBJECTS / 2);
	/* what was given back is used before new memory, and clean */
	i = (int)pool.left;
	object[0] = pool_get(&pool);
	assert_int_equal(pool.left, i);
	for (j = 0; j < 57; j++)
		assert_int_equal(object[0][j], 0);
	pool_fini(&pool);
	assert_int_equal(pool.used, 0);
	assert_non_null(pool_get(&pool)); /* it can be used again */
	pool_fini(&pool);
}

static void
test_pool_of_tiny_and_huge(void **state)
{
	struct pool pool;
	char *a, *b;

	(void)state;
	pool_init(&pool, 1);
	a = pool_get(&pool);
	b = pool_get(&pool);
	assert_true(a != b);
	pool_put(&pool, a);
	pool_put(&pool, b);
	assert_ptr_equal(pool_get(&pool), b);
	assert_ptr_equal(pool_get(&pool), a);
	pool_fini(&pool);
	pool_init(&pool, 100000);
	a = pool_get(&pool);
	b = pool_get(&pool);
	memset(a, 1, 100000);
	memset(b, 2, 100000);
	assert_int_equal(a[99999], 1);
	pool_fini(&pool);
}

#define SPLIT_MAX 24

/* The same by looking at one byte after the other. */
static void
test_split_is_right(struct slice s, unsigned max)
{
	uint32_t begin[SPLIT_MAX + 1 + SPLIT_ROOM];
	unsigned n = split_fields(s, '|', begin, max), i = 0;
	size_t from = 0, at;

	for (at = 0; at <= s.n; at++) {
		if (at < s.n && (s.p[at] != '|' || i + 1 == max))
			continue;
		assert_true(i < n);
		assert_ptr_equal(split_field(s.p, begin, i).p, s.p + from);
		assert_int_equal(split_field(s.p, begin, i++).n, at - from);
		from = at + 1;
	}
	assert_int_equal(i, n);
}

static void
test_split_empty(void **state)
{
	(void)state;
	test_split_is_right(SLICE(""), SPLIT_MAX);
	test_split_is_right(SLICE("|"), SPLIT_MAX);
	test_split_is_right(SLICE("one"), 1);
}

/* Of all lengths around a step and a block; no byte behind them is read. */
static void
test_split_any_length(void **state)
{
	uint32_t seed = 1;
	size_t n, i;
	int round;

	(void)state;
	for (n = 1; n < 200; n++)
		for (round = 0; round < 40; round++) {
			char *bytes = mem_alloc(n);

			for (i = 0; i < n; i++) {
				seed = seed * 1103515245 + 12345;
				bytes[i] = "|a|bcdefghijklmn"[seed >> 28];
			}
			test_split_is_right(
			    (struct slice){bytes, n}, 1 + seed / 3 % SPLIT_MAX);
			free(bytes);
		}
}

static void
test_strbuf(void **state)
{
	struct strbuf b = STRBUF_INIT;
	int i;

	(void)state;
	assert_string_equal(strbuf_str(&b), "");
	strbuf_adds(&b, "");
	assert_string_equal(b.p, "");
	strbuf_adds(&b, "calls: ");
	strbuf_addf(&b, "%d of %s", 12, "many");
	strbuf_addc(&b, '.');
	assert_string_equal(strbuf_str(&b), "calls: 12 of many.");
	assert_int_equal(b.n, 18);
	memcpy(strbuf_reserve(&b, 3), "abc", 3);
	strbuf_added(&b, 2);
	assert_string_equal(strbuf_str(&b), "calls: 12 of many.ab");
	strbuf_reset(&b);
	assert_string_equal(strbuf_str(&b), "");
	for (i = 0; i < 10000; i++)
		strbuf_addf(&b, "%04d", i);
	assert_int_equal(b.n, 40000);
	assert_memory_equal(b.p + 4 * 1234, "1234", 4);
	assert_int_equal(b.p[b.n], '\0');
	strbuf_add(&b, "a\0b", 3);
	assert_int_equal(b.n, 40003);
	strbuf_reset(&b);
	strbuf_add_digits(&b, 0, 1);
	strbuf_add_digits(&b, 42, 1);
	strbuf_add_digits(&b, 7, 3);
	strbuf_add_digits(&b, UINT64_MAX, 20);
	assert_string_equal(strbuf_str(&b), "04200718446744073709551615");
	strbuf_fini(&b);
	assert_string_equal(strbuf_str(&b), "");
}

static void
check_escaped(struct slice s, size_t max, const char *want)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_add_escaped(&b, s, max);
	assert_string_equal(strbuf_str(&b), want);
	strbuf_fini(&b);
}

static void
test_strbuf_escapes(void **state)
{
	(void)state;
	check_escaped(SLICE("Council Tax"), 100, "Council Tax");
	check_escaped(SLICE("\xc2\xa3 4"), 100, "\xc2\xa3 4");
	check_escaped(
	    SLICE("a\nb\r\0\x1b[2J"), 100, "a\\x0ab\\x0d\\x00\\x1b[2J");
	check_escaped(SLICE("C:\\x41"), 100, "C:\\\\x41");
	check_escaped(SLICE("caf\xe9"), 100, "caf\\xe9");
	/* U+202E turns a line round, U+2028 ends one for some readers */
	check_escaped(SLICE("\xe2\x80\xae"), 100, "\\xe2\\x80\\xae");
	check_escaped(SLICE("\xe2\x80\xa8"), 100, "\\xe2\\x80\\xa8");
	check_escaped(SLICE("\xd8\x9c"), 100, "\\xd8\\x9c");
	/* cut off, but never within a character or beyond max */
	check_escaped(SLICE("abcdef"), 6, "abcdef");
	check_escaped(SLICE("abcdef"), 5, "abcde...");
	check_escaped(SLICE("ab\xc2\xa3z"), 3, "ab...");
	check_escaped(SLICE("abc"), 0, "...");
	check_escaped((struct slice){NULL, 0}, 10, "");
}

static void
check_iso(int64_t us, const char *want)
{
	char text[UTC_ISO_MAX];

	assert_string_equal(utc_iso(text, sizeof(text), us), want);
}

static void
test_utc_iso(void **state)
{
	(void)state;
	check_iso(0, "1970-01-01T00:00:00Z");
	check_iso(1795288500 * USEC_PER_SEC, "2026-11-21T19:15:00Z");
	check_iso(1795288500 * USEC_PER_SEC + 1, "2026-11-21T19:15:00.000001Z");
	check_iso(951782400 * USEC_PER_SEC, "2000-02-29T00:00:00Z");
	check_iso(-1, "1969-12-31T23:59:59.999999Z");
	check_iso(-USEC_PER_SEC, "1969-12-31T23:59:59Z");
	check_iso(INT64_C(253402300799) * USEC_PER_SEC, "9999-12-31T23:59:59Z");
	check_iso(
	    INT64_C(253402300800) * USEC_PER_SEC, "10000-01-01T00:00:00Z");
	check_iso(INT64_C(-62167219201) * USEC_PER_SEC, "-001-12-31T23:59:59Z");
	check_iso(INT64_MAX, "294247-01-10T04:00:54.775807Z");
	check_iso(INT64_MIN, "-290308-12-21T19:59:05.224192Z");
}

static void
test_utc_floor(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(utc_floor(0, 900), 0);
	assert_int_equal(utc_floor(899, 900), 0);
	assert_int_equal(utc_floor(900, 900), 900);
	assert_int_equal(utc_floor(-1, 900), -900);
	assert_int_equal(utc_floor(-900, 900), -900);
	assert_int_equal(utc_floor(-901, 900), -1800);
	for (t = -5000; t < 5000; t++) {
		int64_t floor = utc_floor(t, 7);

		assert_int_equal(floor % 7, 0);
		assert_true(floor <= t && t < floor + 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_err),
	    cmocka_unit_test(test_err_is_bounded),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_slots_when_empty),
	    cmocka_unit_test(test_pool),
	    cmocka_unit_test(test_pool_of_tiny_and_huge),
	    cmocka_unit_test(test_split_empty),
	    cmocka_unit_test(test_split_any_length),
	    cmocka_unit_test(test_strbuf),
	    cmocka_unit_test(test_strbuf_escapes),
	    cmocka_unit_test(test_utc_iso),
	    cmocka_unit_test(test_utc_floor),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
