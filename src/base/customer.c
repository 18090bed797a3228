/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/customer.h"
#include "base/phone.h"

#define CUSTOMER_MAILTO "mailto:"

_Static_assert(PHONE_MAX <= CUSTOMER_MAX, "room for a number's form");

static struct slice
customer_trim(struct slice s)
{
	while (s.n > 0 && (unsigned char)s.p[0] <= ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* What stands between < and >, where the text ends with them. */
static struct slice
customer_bare(struct slice s)
{
	const char *open;

	s = customer_trim(s);
	open = s.n > 0 && s.p[s.n - 1] == '>' ? memchr(s.p, '<', s.n) : NULL;
	if (open == NULL)
		return s;
	s.n = (size_t)(s.p + s.n - open) - 2;
	s.p = open + 1;
	return customer_trim(s);
}

static bool
customer_begins(struct slice s, const char *scheme)
{
	size_t n = strlen(scheme);

	return s.n >= n && strncasecmp(s.p, scheme, n) == 0;
}

/* One @ at least, between what is neither blank nor a control. */
static bool
customer_is_address(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '\x7f')
			return false;
	return s.n > 2 && s.n <= CUSTOMER_ADDRESS_MAX && s.p[0] != '@' &&
	    s.p[s.n - 1] != '@';
}

static enum customer_kind
customer_address(char to[CUSTOMER_MAX], struct slice s)
{
	size_t n = strlen(CUSTOMER_MAILTO), i;

	if (!customer_is_address(s))
		return CUSTOMER_NEITHER;
	memcpy(to, CUSTOMER_MAILTO, n);
	for (i = 0; i < s.n; i++, n++)
		to[n] = s.p[i] >= 'A' && s.p[i] <= 'Z'
		    ? (char)(s.p[i] - 'A' + 'a')
		    : s.p[i];
	to[n] = '\0';
	return CUSTOMER_ADDRESS;
}

/* Digits enough; a text that is not of ASCII was written by somebody. */
static bool
customer_is_number(struct slice s, bool nobody)
{
	size_t digits = 0, i;

	for (i = 0; i < s.n; i++) {
		digits += s.p[i] >= '0' && s.p[i] <= '9';
		if (nobody && (unsigned char)s.p[i] >= 0x80)
			return false;
	}
	return nobody || digits >= CUSTOMER_DIGITS_MIN;
}

enum customer_kind
customer_form(
    char to[CUSTOMER_MAX], struct slice text, const char *country_code)
{
	char number[PHONE_MAX];
	struct slice s = customer_bare(text);
	bool caller = customer_begins(s, "sip:") ||
	    customer_begins(s, "sips:") || customer_begins(s, "tel:");
	size_t n;

	if (customer_begins(s, CUSTOMER_MAILTO)) {
		s.p += strlen(CUSTOMER_MAILTO);
		s.n -= strlen(CUSTOMER_MAILTO);
	}
	if (!caller && s.n > 0 && memchr(s.p, '@', s.n) != NULL)
		return customer_address(to, s);
	n = phone_normalise(number, s, country_code);
	if (!caller && !customer_is_number(s, n == 0))
		return CUSTOMER_NEITHER;
	if (n == 0)
		return CUSTOMER_NOBODY;
	memcpy(to, number, n + 1);
	return CUSTOMER_NUMBER;
}
