/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading plain and gzipped files, whole, cut off and broken. */
#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/strbuf.h"
#include "feed/input.h"

#define PATH "test-input.tmp"

static void
put(const void *bytes, size_t n)
{
	int fd = open(PATH, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Adds a gzip member of the text. */
static void
gz(struct strbuf *to, const char *text, size_t n)
{
	z_stream z = {0};
	char *room = strbuf_reserve(to, n + 1000);

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)text;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)room;
	z.avail_out = (unsigned)n + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	strbuf_added(to, z.total_out);
	deflateEnd(&z);
}

/* Reads PATH in steps; what the last read returned is the result. */
static ssize_t
get(struct strbuf *to, size_t step)
{
	struct err err = {""};
	struct input *in = input_open(PATH, &err);
	ssize_t got;

	strbuf_reset(to);
	if (in == NULL) {
		strbuf_adds(to, err.text);
		return INPUT_FAILED;
	}
	while ((got = input_read(in, strbuf_reserve(to, step), step, &err)) > 0)
		strbuf_added(to, (size_t)got);
	if (got == 0) {
		int64_t done, total = input_progress(in, &done);

		assert_true(done <= total);
		assert_int_equal(
		    input_read(in, strbuf_reserve(to, step), step, &err), 0);
	}
	input_close(in);
	return got;
}

static void
expect(size_t step, const char *text, size_t n)
{
	struct strbuf b = STRBUF_INIT;

	assert_int_equal(get(&b, step), 0);
	assert_int_equal(b.n, n);
	if (n > 0)
		assert_memory_equal(b.p, text, n);
	strbuf_fini(&b);
}

static char *
noise(size_t n)
{
	char *text = mem_alloc(n);
	uint32_t x = 1;
	size_t i;

	for (i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (char)(x >> 24);
	}
	text[0] = 'q';
	return text;
}

static void
test_plain(void **state RT_UNUSED)
{
	size_t n = 300000;
	char *text = noise(n);

	put(text, n);
	expect(262144, text, n);
	expect(7, text, n);
	put("", 0);
	expect(10, "", 0);
	put("x", 1);
	expect(10, "x", 1);
	free(text);
}

static void
test_gzip_members_and_padding(void **state RT_UNUSED)
{
	struct strbuf file = STRBUF_INIT, want = STRBUF_INIT;
	size_t n = 200000;
	char *text = noise(n);

	gz(&file, text, n);
	gz(&file, "", 0);
	gz(&file, "second\n", 7);
	strbuf_add(&file, "\0\0\0\0\0", 5);
	put(file.p, file.n);
	strbuf_add(&want, text, n);
	strbuf_adds(&want, "second\n");
	expect(262144, want.p, want.n);
	expect(1, want.p, want.n);
	strbuf_reset(&file);
	gz(&file, "", 0);
	put(file.p, file.n);
	expect(10, "", 0);
	strbuf_fini(&file);
	strbuf_fini(&want);
	free(text);
}

/* Cut anywhere, also in the header and the trailer: never a clean end. */
static void
test_gzip_cut_off_is_never_an_end(void **state RT_UNUSED)
{
	struct strbuf file = STRBUF_INIT, b = STRBUF_INIT;
	size_t n;

	gz(&file, "one line\nand another\n", 21);
	for (n = 2; n < file.n; n++) {
		put(file.p, n);
		assert_int_equal(get(&b, 100), INPUT_DAMAGED);
	}
	put(file.p, file.n);
	assert_int_equal(get(&b, 100), 0);
	file.p[file.n - 6] ^= 1; /* the check sum */
	put(file.p, file.n);
	assert_int_equal(get(&b, 100), INPUT_DAMAGED);
	strbuf_fini(&file);
	strbuf_fini(&b);
}

static void
test_others_are_refused_by_name(void **state RT_UNUSED)
{
	struct strbuf b = STRBUF_INIT;
	struct err err;

	put("\xfd"
	    "7zXZ\0\0",
	    7);
	assert_int_equal(get(&b, 10), INPUT_FAILED);
	assert_non_null(strstr(b.p, "xz"));
	assert_null(input_open("/", &err));
	assert_non_null(strstr(err.text, "directory"));
	assert_null(input_open("does/not/exist", &err));
	assert_non_null(strstr(err.text, "No such file"));
	strbuf_fini(&b);
}

static void
test_pipe(void **state RT_UNUSED)
{
	struct strbuf file = STRBUF_INIT;
	struct input *in;
	int64_t done;
	char text[10];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	gz(&file, "piped", 5);
	assert_int_equal(write(fds[1], file.p, file.n), file.n);
	close(fds[1]);
	in = input_open_fd(fds[0], "pipe", NULL);
	assert_non_null(in);
	assert_true(input_is_gzip(in));
	assert_int_equal(input_read(in, text, sizeof(text), NULL), 5);
	assert_memory_equal(text, "piped", 5);
	assert_int_equal(input_progress(in, &done), -1);
	assert_int_equal(done, file.n);
	assert_int_equal(input_read(in, text, sizeof(text), NULL), 0);
	input_close(in);
	strbuf_fini(&file);
}

static int
tear_down(void **state RT_UNUSED)
{
	unlink(PATH);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_gzip_members_and_padding),
	    cmocka_unit_test(test_gzip_cut_off_is_never_an_end),
	    cmocka_unit_test(test_others_are_refused_by_name),
	    cmocka_unit_test(test_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
