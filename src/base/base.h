/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first include of every .c file: the standard headers that all of them
 * need, what the compiler should know of our functions, BUG(), and the calls
 * of libc that are not to be used here (see the end).
 */
#ifndef RT_BASE_H
#define RT_BASE_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define RT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RT_NORETURN	     __attribute__((noreturn))
#define RT_UNUSED	     __attribute__((unused))
#define RT_LIKELY(x)	     __builtin_expect(!!(x), 1)
#define RT_UNLIKELY(x)	     __builtin_expect(!!(x), 0)

/*
 * A function that every line of a log goes through. Hardened builds clear the
 * registers that a function has used before it returns, against whoever would
 * string ends of functions together; here that alone would be 6 % of all work.
 * It is little that the ends of these few would add to a whole program.
 */
#ifdef __has_attribute
#if __has_attribute(zero_call_used_regs)
#define RT_HOT __attribute__((zero_call_used_regs("skip")))
#endif
#endif
#ifndef RT_HOT
#define RT_HOT
#endif

#define RT_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RT_MIN(a, b)	((a) < (b) ? (a) : (b))
#define RT_MAX(a, b)	((a) > (b) ? (a) : (b))

/*
 * Our own mistake, as against bad input and failed calls: stop at once, in
 * production too. A crash loses nothing (the last commit is the truth and the
 * feeds are read again from there); a wrong figure loses everything.
 */
#define BUG(...) base_bug(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(condition)                      \
	do {                                   \
		if (RT_UNLIKELY(condition))    \
			BUG("%s", #condition); \
	} while (0)

void base_bug(const char *file, int line, const char *fmt, ...)
    RT_PRINTF(3, 4) RT_NORETURN;

/*
 * Memory. None of these returns NULL: when the system has no more memory the
 * process ends with a message, and starts again from its last commit.
 */
void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *mem_zalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *mem_realloc(void *old, size_t count, size_t size)
    __attribute__((alloc_size(2, 3)));
char *mem_strdup(const char *text) __attribute__((malloc));

/*
 * Not here: no length (strcpy ...), no error (atoi ...), hidden state
 * (strtok, localtime ...), or a clock that is not base/clock.h's.
 */
#define RT_BANNED(name) sorry_##name##_is_banned_see_base_h
#undef strcpy
#define strcpy(a, b) RT_BANNED(strcpy)
#undef strcat
#define strcat(a, b) RT_BANNED(strcat)
#undef strncpy
#define strncpy(a, b, c) RT_BANNED(strncpy)
#undef strncat
#define strncat(a, b, c) RT_BANNED(strncat)
#undef sprintf
#define sprintf(...) RT_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) RT_BANNED(vsprintf)
#undef strtok
#define strtok(a, b) RT_BANNED(strtok)
#undef atoi
#define atoi(a) RT_BANNED(atoi)
#undef atol
#define atol(a) RT_BANNED(atol)
#undef atof
#define atof(a) RT_BANNED(atof)
#undef localtime
#define localtime(a) RT_BANNED(localtime)
#undef gmtime
#define gmtime(a) RT_BANNED(gmtime)
#undef ctime
#define ctime(a) RT_BANNED(ctime)
#undef asctime
#define asctime(a) RT_BANNED(asctime)
#undef time
#define time(a) RT_BANNED(time)

#endif
