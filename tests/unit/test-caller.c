/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash of a caller, and the file of its key. */
#include "base/base.h"
#include "caller_key.h"
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <cmocka.h>

#define KEY_TEXT \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct place {
	char dir[64];
	char path[80];
};

static int
place_setup(void **state)
{
	struct place *place = mem_zalloc(sizeof(*place));

	snprintf(place->dir, sizeof(place->dir), "/tmp/test-caller.XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof(place->path), "%s/caller.key", place->dir);
	*state = place;
	return 0;
}

/* How many names there are; with `remove` they go. */
static int
place_files(const struct place *place, bool remove)
{
	DIR *dir = opendir(place->dir);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (remove && unlinkat(dirfd(dir), entry->d_name, 0) != 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	return n;
}

static int
place_teardown(void **state)
{
	struct place *place = *state;

	place_files(place, true);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static void
place_write(const struct place *place, const char *text, mode_t mode)
{
	int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
check_refused(const struct place *place, const char *why)
{
	struct caller_key key = {{0}}, none = {{0}};
	struct err err = {""};
	char want[256];

	snprintf(want, sizeof(want), "caller key %s: %s", place->path, why);
	assert_int_equal(caller_key_open(&key, place->path, &err), -1);
	assert_string_equal(err.text, want);
	assert_memory_equal(&key, &none, sizeof(key));
	assert_int_equal(caller_key_load(&key, place->path, NULL), -1);
}

static void
test_hash_is_blake2b(void **state)
{
	static const uint8_t want[] = {0x0d, 0x44, 0xf2, 0xab, 0xe8, 0xfc, 0x99,
	    0xee, 0x72, 0x5b, 0x85, 0xee, 0x41, 0x31, 0x54, 0xda};
	uint8_t key[CALLER_KEY_BYTES], hash[CALLER_HASH_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	/* Python: blake2b(b"+441144960001", digest_size=16, key=key) */
	assert_true(caller_hash(hash, key, SLICE("0114 496 0001"), "44"));
	assert_memory_equal(hash, want, sizeof(want));
	assert_true(caller_hash(hash, key, SLICE("+44 (0)114 4960001"), "44"));
	assert_memory_equal(hash, want, sizeof(want));
	assert_true(caller_hash(hash, key, SLICE("0114 496 0002"), "44"));
	assert_memory_not_equal(hash, want, sizeof(want));
	key[31]++;
	assert_true(caller_hash(hash, key, SLICE("0114 496 0001"), "44"));
	assert_memory_not_equal(hash, want, sizeof(want));
}

static void
test_withheld_is_nobody(void **state)
{
	uint8_t key[CALLER_KEY_BYTES] = {1}, hash[CALLER_HASH_BYTES] = {7};
	const uint8_t before[CALLER_HASH_BYTES] = {7};

	(void)state;
	assert_false(caller_hash(hash, key, SLICE("anonymous"), "44"));
	assert_false(caller_hash(hash, key, SLICE(""), "44"));
	assert_memory_equal(hash, before, sizeof(hash));
}

static void
check_form(const char *text, enum customer_kind kind, const char *form)
{
	char got[CUSTOMER_MAX] = "";

	assert_int_equal(customer_form(got, slice_of(text), "44"), kind);
	assert_string_equal(got, form);
}

static void
test_customers(void **state)
{
	static const uint8_t want[] = {0xc2, 0x3f, 0x09, 0x72, 0x11, 0xb0, 0x16,
	    0xc9, 0x94, 0x9f, 0x71, 0x60, 0x2e, 0xd7, 0x0b, 0x2e};
	uint8_t key[CALLER_KEY_BYTES], hash[CALLER_HASH_BYTES];
	uint8_t number[CALLER_HASH_BYTES], before[CALLER_HASH_BYTES] = {7};
	char address[CUSTOMER_ADDRESS_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	/* whole: neither its domain nor its dots are for the eye */
	check_form(" Jo.Smith@Example.ORG\t", CUSTOMER_ADDRESS,
	    "mailto:jo.smith@example.org");
	check_form("Jo Smith <mailto:jo.smith@example.org>", CUSTOMER_ADDRESS,
	    "mailto:jo.smith@example.org");
	check_form(
	    "josmith@other.com", CUSTOMER_ADDRESS, "mailto:josmith@other.com");
	check_form("01144960001@example.org", CUSTOMER_ADDRESS,
	    "mailto:01144960001@example.org");
	/* Python: blake2b(b"mailto:jo.smith@example.org", digest_size=16, ...)
	 */
	assert_int_equal(caller_hash_customer(
			     hash, key, SLICE("Jo.Smith@example.org"), "44"),
	    CUSTOMER_ADDRESS);
	assert_memory_equal(hash, want, sizeof(want));
	/* a number is the caller's who has it */
	assert_int_equal(
	    caller_hash_customer(hash, key, SLICE("(0114) 496 0001"), "44"),
	    CUSTOMER_NUMBER);
	assert_true(caller_hash(number, key, SLICE("+441144960001"), "44"));
	assert_memory_equal(hash, number, sizeof(number));
	check_form("SIP:+441144960001@10.0.0.1;user=phone", CUSTOMER_NUMBER,
	    "+441144960001");
	check_form("sip:jo@pbx", CUSTOMER_NUMBER, "jo");
	check_form("tel:42", CUSTOMER_NUMBER, "42");
	check_form("C-10045", CUSTOMER_NUMBER, "c10045");
	/* what two people may be called is nobody's */
	check_form("Anna Jones", CUSTOMER_NEITHER, "");
	check_form("\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0", CUSTOMER_NEITHER, "");
	check_form("n/a", CUSTOMER_NEITHER, "");
	check_form("42", CUSTOMER_NEITHER, "");
	check_form("@home", CUSTOMER_NEITHER, "");
	check_form("home@", CUSTOMER_NEITHER, "");
	check_form("a@b.org, c@d.org", CUSTOMER_NEITHER, "");
	check_form("", CUSTOMER_NOBODY, "");
	check_form(" - ", CUSTOMER_NOBODY, "");
	check_form("Number withheld", CUSTOMER_NOBODY, "");
	check_form("0000", CUSTOMER_NOBODY, "");
	memset(address, 'x', sizeof(address));
	address[1] = '@';
	address[CUSTOMER_ADDRESS_MAX + 1] = '\0';
	check_form(address, CUSTOMER_NEITHER, "");
	memcpy(hash, before, sizeof(hash));
	assert_int_equal(
	    caller_hash_customer(hash, key, SLICE("Anna Jones"), "44"),
	    CUSTOMER_NEITHER);
	assert_memory_equal(hash, before, sizeof(hash));
}

static void
test_key_made_once(void **state)
{
	struct place *place = *state;
	struct caller_key one = {{0}}, two = {{0}}, none = {{0}};
	struct err err = {"untouched"};
	struct stat st;

	assert_int_equal(caller_key_load(&one, place->path, &err), 1);
	assert_int_equal(caller_key_open(&one, place->path, &err), 0);
	assert_memory_not_equal(&one, &none, sizeof(one));
	assert_int_equal(caller_key_open(&two, place->path, &err), 0);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_string_equal(err.text, "untouched");
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(place_files(place, false), 1);
	caller_key_wipe(&one);
	assert_memory_equal(&one, &none, sizeof(one));
}

static void
test_key_as_written_by_hand(void **state)
{
	struct place *place = *state;
	struct caller_key key = {{0}};

	place_write(place, KEY_TEXT "\n", 0400);
	assert_int_equal(caller_key_open(&key, place->path, NULL), 0);
	assert_int_equal(key.bytes[0], 0);
	assert_int_equal(key.bytes[31], 31);
	place_write(place, KEY_TEXT, 0600);
	assert_int_equal(caller_key_open(&key, place->path, NULL), 0);
}

static void
test_key_open_to_others(void **state)
{
	struct place *place = *state;

	place_write(place, KEY_TEXT "\n", 0640);
	check_refused(
	    place, "mode 0640: open to others than its owner (chmod 600)");
	place_write(place, KEY_TEXT "\n", 0602);
	check_refused(
	    place, "mode 0602: open to others than its owner (chmod 600)");
}

static void
test_key_that_is_none(void **state)
{
	static const char *const texts[] = {"ab", "\n\n", KEY_TEXT "00",
	    KEY_TEXT "\n\n", KEY_TEXT "\r\n", KEY_TEXT "\nmore",
	    "g00102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f\n",
	    " " KEY_TEXT};
	struct place *place = *state;
	size_t i;

	place_write(place, "", 0600);
	check_refused(place, "empty");
	place_write(place, "\n", 0600);
	check_refused(place, "empty");
	for (i = 0; i < RT_COUNT(texts); i++) {
		place_write(place, texts[i], 0600);
		check_refused(place, "not a key: wants 64 hexadecimal digits");
	}
	/* what was there is there still */
	assert_int_equal(place_files(place, false), 1);
}

static void
test_key_not_a_file(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkdir(place->path, 0700), 0);
	check_refused(place, "not a regular file");
	assert_int_equal(rmdir(place->path), 0);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	check_refused(place, "not a regular file");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("nowhere", place->path), 0);
	{
		struct caller_key key;
		struct err err;

		assert_int_equal(caller_key_open(&key, place->path, &err), -1);
		assert_non_null(strstr(err.text, "leads nowhere"));
	}
	assert_int_equal(place_files(place, false), 1);
}

static void
test_key_without_directory(void **state)
{
	struct place *place = *state;
	struct caller_key key;
	struct err err;
	char path[128], want[256];

	snprintf(path, sizeof(path), "%s/no/caller.key", place->dir);
	snprintf(want, sizeof(want), "caller key %s: can not be made: %s", path,
	    strerror(ENOENT));
	assert_int_equal(caller_key_open(&key, path, &err), -1);
	assert_string_equal(err.text, want);
}

#define RACERS 8

/* Opens the key when the starting gate (a pipe) is closed; tells what it got */
static void
racer_run(const struct place *place, int gate, int tell)
{
	struct caller_key key = {{0}};
	char c;

	while (read(gate, &c, 1) > 0)
		continue;
	if (caller_key_open(&key, place->path, NULL) != 0)
		_exit(1);
	_exit(write(tell, &key, sizeof(key)) != (ssize_t)sizeof(key));
}

static void
race(const struct place *place)
{
	struct caller_key first, key;
	int gate[2], told[2], i, status;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(told), 0);
	for (i = 0; i < RACERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			close(gate[1]);
			racer_run(place, gate[0], told[1]);
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < RACERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(
		    read(told[0], i == 0 ? &first : &key, sizeof(key)),
		    sizeof(key));
		if (i > 0)
			assert_memory_equal(&key, &first, sizeof(key));
	}
	close(told[0]);
	close(told[1]);
	assert_int_equal(caller_key_load(&key, place->path, NULL), 0);
	assert_memory_equal(&key, &first, sizeof(key));
	assert_int_equal(place_files(place, false), 1);
}

static void
test_key_made_by_many_at_once(void **state)
{
	struct place *place = *state;
	int round;

	for (round = 0; round < 25; round++) {
		race(place);
		assert_int_equal(unlink(place->path), 0);
	}
}

#define test_in_place(name) \
	cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash_is_blake2b),
	    cmocka_unit_test(test_withheld_is_nobody),
	    cmocka_unit_test(test_customers),
	    test_in_place(test_key_made_once),
	    test_in_place(test_key_as_written_by_hand),
	    test_in_place(test_key_open_to_others),
	    test_in_place(test_key_that_is_none),
	    test_in_place(test_key_not_a_file),
	    test_in_place(test_key_without_directory),
	    test_in_place(test_key_made_by_many_at_once),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("caller", tests, NULL, NULL);
}
