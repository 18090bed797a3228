/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "conf_scan.h"

#define SCAN_DIGITS "0123456789"
#define SCAN_HEX    SCAN_DIGITS "abcdefABCDEF"
/* what may stand in a key behind its first letter */
#define SCAN_WORD \
	SCAN_DIGITS "-_*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Behind the string that begins at p. */
static const char *
scan_string(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (p[0] == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Behind the comment that begins at p; p where there is none. */
static const char *
scan_comment(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return p;
	end = strstr(p + 2, "*/");
	return end != NULL ? end + 2 : p + strlen(p);
}

/* Behind the number whose first digit is at p; *fits: in libconfig's int. */
static const char *
scan_number(const char *p, bool *fits)
{
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	const char *end =
	    hex ? p + 2 + strspn(p + 2, SCAN_HEX) : p + strspn(p, SCAN_DIGITS);
	unsigned long long value;

	if (!hex && *end != '\0' && strchr(".eE", *end) != NULL) {
		*fits = true; /* a fraction is not cut */
		return end + strspn(end, SCAN_DIGITS ".eE+-");
	}
	errno = 0;
	value = strtoull(p, NULL, hex ? 16 : 10);
	*fits = errno == 0 &&
	    (value <= INT_MAX || (*end == 'L' && value <= INT64_MAX));
	return end + strspn(end, "L");
}

static int
scan_lines(const char *from, const char *to)
{
	int n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

int
conf_scan_numbers(const char *text)
{
	const char *p = text, *next;
	int line = 1;
	bool fits = true;

	for (; *p != '\0'; p = next) {
		if (*p == '"')
			next = scan_string(p);
		else if (*p == '#' || *p == '/')
			next = scan_comment(p);
		else if (*p >= '0' && *p <= '9')
			next = scan_number(p, &fits);
		else
			next = p + strspn(p, SCAN_WORD);
		if (!fits)
			return line;
		next = next == p ? p + 1 : next;
		line += scan_lines(p, next);
	}
	return 0;
}

bool
conf_scan_blank(const char *text)
{
	const char *p = text, *next;

	for (;; p = next) {
		p += strspn(p, " \t\r\n\f");
		next = scan_comment(p);
		if (next == p)
			return *p == '\0';
	}
}
