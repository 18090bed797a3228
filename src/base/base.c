/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

void
base_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "<2>BUG at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void *
mem_check(void *p, size_t size)
{
	if (RT_UNLIKELY(p == NULL && size > 0)) {
		fprintf(stderr, "<2>out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t size)
{
	return mem_check(malloc(size), size);
}

void *
mem_zalloc(size_t size)
{
	return mem_check(calloc(1, size), size);
}

void *
mem_realloc(void *old, size_t count, size_t size)
{
	return mem_check(reallocarray(old, count, size), count);
}

char *
mem_strdup(const char *text)
{
	return mem_check(strdup(text), strlen(text) + 1);
}
