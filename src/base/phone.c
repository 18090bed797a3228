/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"

/* Fewest digits behind the country code for a number that lacks its plus. */
#define PHONE_NATIONAL_MIN 9
/* Fewest digits that are hidden: a local number without its area code. */
#define PHONE_HIDE_MIN 6

struct phone {
	char *p; /* PHONE_MAX bytes */
	size_t n;
};

static char
phone_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does s begin with `word` (lower case)? */
static bool
phone_begins(struct slice s, const char *word)
{
	size_t i;

	for (i = 0; word[i] != '\0'; i++)
		if (i >= s.n || phone_lower(s.p[i]) != word[i])
			return false;
	return true;
}

static struct slice
phone_skip(struct slice s, size_t n)
{
	return (struct slice){s.p + n, s.n - n};
}

/* The part that names the caller: of `"Jo" <sip:jo@host;x=y>` only `jo`. */
static struct slice
phone_user(struct slice s)
{
	static const char *const schemes[] = {"sip:", "sips:", "tel:"};
	const char *open = s.n > 0 ? memchr(s.p, '<', s.n) : NULL;
	const char *close = s.n > 0 ? memchr(s.p, '>', s.n) : NULL;
	size_t i;

	if (open != NULL && close > open)
		s = (struct slice){open + 1, (size_t)(close - open - 1)};
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '"'))
		s = phone_skip(s, 1);
	for (i = 0; i < RT_COUNT(schemes); i++)
		if (phone_begins(s, schemes[i])) {
			s = phone_skip(s, strlen(schemes[i]));
			break;
		}
	for (i = 0; i < s.n; i++)
		if (memchr("@;:?", s.p[i], 4) != NULL)
			s.n = i;
	return s;
}

static bool
phone_is_international(const struct phone *phone)
{
	return phone->n > 0 &&
	    (phone->p[0] == '+' ||
		(phone->n > 1 && phone->p[0] == '0' && phone->p[1] == '0'));
}

/* Takes over what counts, up to PHONE_MAX; leaves out what is for the eye. */
static void
phone_filter(struct phone *phone, struct slice s)
{
	while (s.n > 0 && phone->n < PHONE_MAX - 1) {
		char c = phone_lower(s.p[0]);

		if (phone_begins(s, "(0)") && phone_is_international(phone)) {
			s = phone_skip(s, 3);
			continue;
		}
		if (phone_begins(s, "%2b")) {
			c = '+';
			s = phone_skip(s, 2);
		}
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    c == '+' || c == '*' || c == '#')
			phone->p[phone->n++] = c;
		s = phone_skip(s, 1);
	}
}

static bool
phone_is_number(const struct phone *phone)
{
	size_t i, from = phone->n > 0 && phone->p[0] == '+';

	for (i = from; i < phone->n; i++)
		if (phone->p[i] < '0' || phone->p[i] > '9')
			return false;
	return phone->n > from;
}

static bool
phone_is_nobody(const struct phone *phone)
{
	static const char *const words[] = {
	    "anonymous", "asterisk", "blocked", "idunavailable", "none",
	    "nonumber", "notavailable", "null", "numberunavailable",
	    "numberwithheld", "o", "p", "private", "privatenumber",
	    "restricted", "unavailable", "unknown", "unknownnumber", "withheld",
	    "withheldnumber",
	    "+266696687" /* "anonymous" on a keypad, sent by many carriers */
	};
	struct slice s = {phone->p, phone->n};
	size_t i;

	for (i = 0; i < RT_COUNT(words); i++)
		if (slice_eq(s, slice_of(words[i])))
			return true;
	for (i = 0; i < s.n; i++)
		if (s.p[i] != '0' && s.p[i] != '+')
			return false;
	return true;
}

/* Puts `with` in the place of the first n bytes. */
static void
phone_replace(struct phone *phone, size_t n, const char *with, size_t with_len)
{
	size_t rest = RT_MIN(phone->n - n, PHONE_MAX - 1 - with_len);

	memmove(phone->p + with_len, phone->p + n, rest);
	if (with_len > 0)
		memcpy(phone->p, with, with_len);
	phone->n = with_len + rest;
}

/* Makes a number of any form begin with + and country, where that is sure. */
static void
phone_internationalise(struct phone *phone, const char *country)
{
	char home[8] = "+";
	size_t n;

	if (phone_is_international(phone) && phone->p[0] == '0')
		phone_replace(phone, 2, "+", 1);
	if (country == NULL || country[0] == '\0')
		return;
	n = RT_MIN(strlen(country), sizeof(home) - 1);
	memcpy(home + 1, country, n);
	n++;
	if (phone->p[0] == '0')
		phone_replace(phone, 1, home, n);
	else if (phone->n >= n - 1 + PHONE_NATIONAL_MIN &&
	    memcmp(phone->p, home + 1, n - 1) == 0)
		phone_replace(phone, 0, "+", 1);
	if (phone->n < n || memcmp(phone->p, home, n) != 0)
		return;
	/* +440114: the trunk prefix, left in by mistake */
	while (phone->n > n && phone->p[n] == '0') {
		phone->n--;
		memmove(phone->p + n, phone->p + n + 1, phone->n - n);
	}
}

size_t
phone_normalise(
    char to[PHONE_MAX], struct slice number, const char *country_code)
{
	struct phone phone = {to, 0};

	phone_filter(&phone, phone_user(number));
	if (phone_is_number(&phone) && !phone_is_nobody(&phone))
		phone_internationalise(&phone, country_code);
	if (phone_is_nobody(&phone))
		phone.n = 0;
	to[phone.n] = '\0';
	return phone.n;
}

static bool
phone_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
phone_is_of_address(char c, const char *others)
{
	char lower = phone_lower(c);

	return phone_is_digit(c) || (lower >= 'a' && lower <= 'z') ||
	    (c != '\0' && strchr(others, c) != NULL);
}

/* Behind the @ of an address there is a dot; a dialplan's 1001@queue has none.
 */
static void
phone_hide_address(char *p, size_t at, size_t n)
{
	size_t i;
	bool dot = false;

	for (i = at + 1; i < n && phone_is_of_address(p[i], ".-"); i++)
		dot |= p[i] == '.';
	for (i = at; dot && i > 0 &&
	     (phone_is_of_address(p[i - 1], "._%+-") ||
		 (unsigned char)p[i - 1] >= 0x80);
	     i--)
		p[i - 1] = '#';
}

void
phone_hide(char *p, size_t n)
{
	size_t from, to, digits, i;

	for (i = 0; i < n; i++)
		if (p[i] == '@')
			phone_hide_address(p, i, n);

	for (from = 0; from < n; from = to + 1) {
		digits = 0;
		for (to = from; to < n &&
		     (phone_is_digit(p[to]) ||
			 memchr(" -.()", p[to], 5) != NULL);
		     to++)
			digits += phone_is_digit(p[to]);
		for (i = from; digits >= PHONE_HIDE_MIN && i < to; i++)
			if (phone_is_digit(p[i]))
				p[i] = '#';
	}
}
