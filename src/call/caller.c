/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include "call/caller.h"
#include "call/machine.h"
#include <sodium.h>

_Static_assert(CALLER_HASH_BYTES == CALL_CALLER_BYTES, "a visit holds one");

static void
caller_hash_form(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], const char *form, size_t n)
{
	if (crypto_generichash(hash, CALLER_HASH_BYTES,
		(const unsigned char *)form, n, key, CALLER_KEY_BYTES) != 0)
		BUG("crypto_generichash refuses its sizes");
}

bool
caller_hash(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], struct slice number,
    const char *country_code)
{
	char form[PHONE_MAX];
	size_t n = phone_normalise(form, number, country_code);

	if (n > 0)
		caller_hash_form(hash, key, form, n);
	return n > 0;
}

enum customer_kind
caller_hash_customer(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], struct slice customer,
    const char *country_code)
{
	char form[CUSTOMER_MAX];
	enum customer_kind kind = customer_form(form, customer, country_code);

	if (kind == CUSTOMER_NUMBER || kind == CUSTOMER_ADDRESS)
		caller_hash_form(hash, key, form, strlen(form));
	return kind;
}
