/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/json_decimal.h"

#define JSON_DECIMAL_DIGITS 18 /* of a number, that are counted */

/* A number as digits times ten to the power of `scale`. */
struct json_decimal {
	int64_t digits;
	int scale;
	bool rest; /* digits that are not counted were not 0 */
};

static const char *
json_decimal_mantissa(struct slice s, struct json_decimal *d)
{
	const char *p = s.p, *end = s.p + s.n;
	bool behind = false; /* the point */
	int n = 0;

	for (; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.') {
			behind = true;
			continue;
		}
		if (n < JSON_DECIMAL_DIGITS) {
			d->digits = d->digits * 10 + (*p - '0');
			d->scale -= behind;
			n += d->digits > 0;
		} else {
			d->rest = d->rest || *p != '0';
			d->scale += !behind;
		}
	}
	return p;
}

/* What stands behind the "e"; what is beyond reason is cut to it. */
static int
json_decimal_exponent(const char *p, const char *end)
{
	int value = 0;
	bool negative;

	if (p == end)
		return 0;
	p++;
	negative = *p == '-';
	p += *p == '-' || *p == '+';
	for (; p < end && value < 1000000; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/* Digits that are cut off; they round the rest. */
static bool
json_decimal_shorten(struct json_decimal *d, int64_t max)
{
	int64_t unit = 1, rest;
	int i;

	if (d->scale < -JSON_DECIMAL_DIGITS) {
		d->digits = 0;
		return true;
	}
	for (i = d->scale; i < 0; i++)
		unit *= 10;
	rest = d->digits % unit;
	d->digits /= unit;
	if (d->digits > max || (d->digits == max && (rest > 0 || d->rest)))
		return false;
	d->digits += unit > 1 && rest >= unit / 2;
	return true;
}

bool
json_decimal_scaled(
    struct slice number, int digits, int64_t max, int64_t *value)
{
	struct json_decimal d = {.scale = digits};
	bool negative = number.n > 0 && *number.p == '-';
	const char *p;

	number.p += negative;
	number.n -= negative;
	p = json_decimal_mantissa(number, &d);
	if (d.digits == 0) {
		*value = 0; /* -0 is 0 */
		return true;
	}
	d.scale += json_decimal_exponent(p, number.p + number.n);
	if (negative)
		return false;
	for (; d.scale > 0; d.scale--) {
		if (d.digits > max / 10)
			return false;
		d.digits *= 10;
	}
	if (!json_decimal_shorten(&d, max))
		return false;
	*value = d.digits;
	return true;
}
