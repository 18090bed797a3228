/* SPDX-License-Identifier: BSD-2-Clause */
/* What HTTP is made of, as far as it needs no client. */
#include "base/base.h"

#include <setjmp.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

#include "io/address.h"
#include "base/tokens.h"
#include "serve/auth.h"
#include "serve/doc.h"
#include "serve/gzip.h"
#include "serve/metrics.h"
#include "serve/query.h"

/* --- addresses ---------------------------------------------------------- */

static void
check_address(const char *text, int family, bool local)
{
	struct address a;
	struct err err;

	if (address_parse(&a, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(a.to.ss_family, family);
	assert_int_equal(a.is_local, local);
	assert_int_equal(a.is_unix, family == AF_UNIX);
}

static void
test_address(void **state)
{
	(void)state;
	check_address("127.0.0.1:8085", AF_INET, true);
	check_address("127.1.2.3:1", AF_INET, true);
	check_address("[::1]:65535", AF_INET6, true);
	check_address("unix:/run/x", AF_UNIX, true);
	check_address("*:80", AF_INET, false);
	check_address("0.0.0.0:80", AF_INET, false);
	check_address("10.1.2.3:80", AF_INET, false);
	check_address("[::]:80", AF_INET6, false);
	/* of IPv4, but it is not the loopback address of IPv6 */
	check_address("[::ffff:127.0.0.1]:80", AF_INET6, false);
}

static void
test_address_refuses(void **state)
{
	static const char *const texts[] = {"", ":", "127.0.0.1", "8085",
	    ":8085", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
	    "127.0.0.1:80x", "localhost:80", "127.0.0.256:80", "::1:80",
	    "[::1]", "[::1", "[]:80", "[127.0.0.1]:80", "unix:", "unix:run/x",
	    "1234567890123456789012345678901234567890123456789012345678901234"
	    "5678:80",
	    NULL};
	struct address a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; texts[i] != NULL; i++)
		if (address_parse(&a, texts[i], &err) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
}

/* --- who may ask -------------------------------------------------------- */

static void
test_host(void **state)
{
	static const char *const hosts[] = {"wall.example", NULL};
	static const char *const good[] = {"localhost", "localhost:8085",
	    "LOCALHOST.", "127.0.0.1", "127.0.0.1:8085", "[::1]", "[::1]:8085",
	    "192.0.2.7", "wall.example", "Wall.Example:80", NULL};
	static const char *const bad[] = {"", ":80", "evil.example",
	    "localhost.evil.example", "127.0.0.1.evil.example", "evil:127",
	    "wall.example.evil", "xwall.example", "localhost:80:80",
	    "localhost:evil", "localhost@evil", "[::1", "[::1]x", "[evil]", "*",
	    "localhost, evil", NULL};
	struct address tcp, un;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(address_parse(&tcp, "127.0.0.1:80", &err), 0);
	assert_int_equal(address_parse(&un, "unix:/run/x", &err), 0);
	for (i = 0; good[i] != NULL; i++)
		if (!auth_host(&tcp, hosts, good[i]))
			fail_msg("\"%s\" was refused", good[i]);
	for (i = 0; bad[i] != NULL; i++)
		if (auth_host(&tcp, hosts, bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_false(auth_host(&tcp, NULL, "wall.example"));
	assert_true(auth_host(&un, NULL, "wall.example"));
}

static void
check_token(const char *authorization, const char *cookie, const char *want)
{
	struct slice token = auth_token(authorization, cookie);

	assert_int_equal(token.n, strlen(want));
	assert_memory_equal(token.p != NULL ? token.p : "", want, token.n);
}

static void
test_token_of_a_request(void **state)
{
	(void)state;
	check_token("Bearer abc", NULL, "abc");
	check_token("bearer  abc ", NULL, "abc");
	check_token("Basic abc", NULL, "");
	check_token("Bearerabc", NULL, "");
	check_token("", "", "");
	check_token(NULL, NULL, "");
	check_token(NULL, "ringtally_token=abc", "abc");
	check_token(NULL, "a=b; ringtally_token=abc; c=d", "abc");
	check_token(NULL, "xringtally_token=abc", "");
	check_token(NULL, "a=ringtally_token=abc", "");
	check_token("Bearer abc", "ringtally_token=xyz", "abc");
}

static void
check_basic(const char *authorization, const char *want)
{
	char password[64];
	struct slice token =
	    auth_basic(authorization, password, sizeof(password));

	if (token.n != strlen(want) ||
	    (token.n > 0 && memcmp(token.p, want, token.n) != 0))
		fail_msg("%s: not %s", authorization, want);
}

static void
test_password_of_a_request(void **state)
{
	(void)state;
	check_basic("Basic dXNlcjpzZWNyZXQ=", "secret");
	check_basic("basic dXNlcjpzZTpjcg==", "se:cr");
	check_basic("Basic OnNlY3JldA==", "secret");
	check_basic("Basic dXNlcjo=", "");
	check_basic("Basic dXNlcg==", ""); /* no colon */
	check_basic("Basic dXNlcjpzZWNyZXQ", "");
	check_basic("Basic !", "");
	check_basic("Basic ", "");
	check_basic("Bearer dXNlcjpzZWNyZXQ=", "");
	/* longer than there is room for */
	check_basic("Basic dXNlcjphYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
		    "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",
	    "");
}

/* Writes the file and loads it; -1: refused. */
static int
load_tokens(
    struct tokens *tokens, const char *text, mode_t mode, struct err *err)
{
	char path[] = "/tmp/ringtally-tokens-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	rc = tokens_load(tokens, path, err);
	unlink(path);
	return rc;
}

static void
test_tokens(void **state)
{
	static const char file[] = "# the wall's\n0123456789abcdef\n\n"
				   "fedcba9876543210+/=\r\n";
	struct tokens tokens;
	struct err err;

	(void)state;
	assert_int_equal(load_tokens(&tokens, file, 0640, &err), 0);
	assert_int_equal(tokens.n, 2);
	assert_true(tokens_know(&tokens, SLICE("0123456789abcdef")));
	assert_true(tokens_know(&tokens, SLICE("fedcba9876543210+/=")));
	assert_false(tokens_know(&tokens, SLICE("0123456789abcdeg")));
	assert_false(tokens_know(&tokens, SLICE("0123456789abcde")));
	assert_false(tokens_know(&tokens, SLICE("0123456789abcdef0")));
	assert_false(tokens_know(&tokens, SLICE("# the wall's")));
	assert_false(tokens_know(&tokens, SLICE("")));
}

static void
test_tokens_refused(void **state)
{
	static const char good[] = "0123456789abcdef\n";
	struct tokens tokens;
	struct err err;

	(void)state;
	assert_int_equal(load_tokens(&tokens, good, 0600, &err), 0);
	assert_int_equal(load_tokens(&tokens, good, 0644, &err), -1);
	assert_non_null(strstr(err.text, "chmod 640"));
	assert_int_equal(load_tokens(&tokens, good, 0660, &err), -1);
	assert_int_equal(load_tokens(&tokens, "", 0600, &err), -1);
	assert_int_equal(load_tokens(&tokens, "# none\n\n", 0600, &err), -1);
	assert_int_equal(load_tokens(&tokens, "short\n", 0600, &err), -1);
	assert_int_equal(
	    load_tokens(&tokens, "0123456789 abcdef\n", 0600, &err), -1);
	assert_non_null(strstr(err.text, "line 1"));
	assert_int_equal(tokens_load(&tokens, "/nonexistent", &err), -1);
	assert_int_equal(tokens_load(&tokens, "/dev/null", &err), -1);
}

/* --- queries ------------------------------------------------------------ */

static void
test_query(void **state)
{
	struct query q, moved;
	struct err err;
	struct strbuf key = STRBUF_INIT;

	(void)state;
	assert_int_equal(query_parse(&q, NULL, &err), 0);
	assert_null(q.filter.queues);
	query_fini(&q);
	assert_int_equal(
	    query_parse(&q,
		"queue=a&queue=b%26c+d&service=Council%20Tax&&switch=%C2%A3",
		&err),
	    0);
	query_move(&moved, &q);
	assert_string_equal(moved.filter.queues[0], "a");
	assert_string_equal(moved.filter.queues[1], "b&c d");
	assert_null(moved.filter.queues[2]);
	assert_string_equal(moved.filter.services[0], "Council Tax");
	assert_string_equal(moved.filter.switches[0], "\xc2\xa3");
	assert_ptr_equal(moved.filter.queues, moved.queues);
	query_key(&moved, &key);
	assert_string_equal(
	    strbuf_str(&key), "qa\nqb&c d\nsCouncil Tax\nw\xc2\xa3\n");
	strbuf_fini(&key);
	query_fini(&moved);
}

static void
test_query_refuses(void **state)
{
	static const char *const texts[] = {"x=1", "queue", "Queue=a",
	    "queue=%", "queue=%1", "queue=%zz", "queue=a%00b", "queue=%0a",
	    "queue=%ff", "queue=%e2%80%ae", "=a", NULL};
	struct strbuf many = STRBUF_INIT;
	struct query q;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; texts[i] != NULL; i++)
		if (query_parse(&q, texts[i], &err) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
	for (i = 0; i <= VIEW_FILTERS_MAX; i++)
		strbuf_adds(&many, "queue=a&");
	assert_int_equal(query_parse(&q, strbuf_str(&many), &err), -1);
	strbuf_fini(&many);
}

/* --- compression -------------------------------------------------------- */

static void
fill(struct strbuf *b, size_t n)
{
	uint32_t x = 1;

	while (b->n < n) {
		x = x * 1103515245 + 12345;
		strbuf_addf(b, "{\"waiting\":%u},", x >> 20);
	}
}

/* All that the n bytes at p hold, as a browser unpacks it. */
static void
check_unpacks(const char *p, size_t n, struct slice want)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n};
	char *got = mem_alloc(want.n + 1);

	z.next_out = (Bytef *)got;
	z.avail_out = (uInt)want.n + 1;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_in_range(inflate(&z, Z_SYNC_FLUSH), Z_OK, Z_STREAM_END);
	assert_int_equal(z.total_out, want.n);
	assert_memory_equal(got, want.p, want.n);
	inflateEnd(&z);
	free(got);
}

static void
test_gzip_whole(void **state)
{
	static const size_t sizes[] = {0, 10, 5000, 1000000};
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(sizes); i++) {
		struct strbuf text = STRBUF_INIT, gz;
		struct gzip *gzip;

		fill(&text, sizes[i]);
		gzip = gzip_new(
		    GZIP_WHOLE, (struct slice){strbuf_str(&text), text.n});
		while (!gzip_step(gzip))
			;
		gz = gzip_take(gzip);
		check_unpacks(
		    gz.p, gz.n, (struct slice){strbuf_str(&text), text.n});
		gzip_free(gzip);
		strbuf_fini(&gz);
		strbuf_fini(&text);
	}
}

/* Whoever comes later gets later pieces only, and can read them. */
static void
test_gzip_pieces(void **state)
{
	struct strbuf pieces[3] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};
	struct strbuf text = STRBUF_INIT, all = STRBUF_INIT, want = STRBUF_INIT;
	size_t first, i;

	(void)state;
	fill(&text, 70000);
	for (i = 0; i < 3; i++)
		gzip_piece(
		    &pieces[i], (struct slice){text.p + i * 1000, 60000});
	for (first = 0; first < 3; first++) {
		strbuf_reset(&all);
		strbuf_reset(&want);
		strbuf_add(&all, GZIP_HEAD, sizeof(GZIP_HEAD));
		for (i = first; i < 3; i++) {
			strbuf_add(&all, pieces[i].p, pieces[i].n);
			strbuf_add(&want, text.p + i * 1000, 60000);
		}
		check_unpacks(all.p, all.n, (struct slice){want.p, want.n});
	}
	for (i = 0; i < 3; i++)
		strbuf_fini(&pieces[i]);
	strbuf_fini(&text);
	strbuf_fini(&all);
	strbuf_fini(&want);
}

static void
test_doc(void **state)
{
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	struct doc *one, *two;

	(void)state;
	fill(&a, 5000);
	fill(&b, 5000);
	b.p[100] ^= 1;
	one = doc_of_bytes(&a, "text/plain");
	two = doc_of_bytes(&b, "text/plain");
	assert_string_not_equal(doc_etag(one), doc_etag(two));
	while (!doc_gzip(one))
		;
	assert_true(one->gz.n > 0 && one->gz.n < one->plain.n);
	assert_ptr_equal(doc_ref(one), one);
	doc_put(one);
	check_unpacks(one->gz.p, one->gz.n, one->plain);
	doc_put(one);
	doc_put(two);
	doc_put(NULL);
}

/* --- metrics ------------------------------------------------------------ */

static void
test_label_values(void **state)
{
	struct strbuf to = STRBUF_INIT;

	(void)state;
	metrics_add_value(&to, "a\"b\\c\nd<\xc2\xa3}");
	assert_string_equal(strbuf_str(&to), "a\\\"b\\\\c\\nd<\xc2\xa3}");
	strbuf_fini(&to);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_address_refuses),
	    cmocka_unit_test(test_host),
	    cmocka_unit_test(test_token_of_a_request),
	    cmocka_unit_test(test_password_of_a_request),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_tokens_refused),
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_query_refuses),
	    cmocka_unit_test(test_gzip_whole),
	    cmocka_unit_test(test_gzip_pieces),
	    cmocka_unit_test(test_doc),
	    cmocka_unit_test(test_label_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
