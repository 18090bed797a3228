/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include "call/caller.h"
#include "call/machine.h"
#include <sodium.h>

_Static_assert(CALLER_HASH_BYTES == CALL_CALLER_BYTES, "a visit holds one");

bool
caller_hash(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], struct slice number,
    const char *country_code)
{
	char form[PHONE_MAX];
	size_t n = phone_normalise(form, number, country_code);

	if (n == 0)
		return false;
	if (crypto_generichash(hash, CALLER_HASH_BYTES,
		(const unsigned char *)form, n, key, CALLER_KEY_BYTES) != 0)
		BUG("crypto_generichash refuses its sizes");
	return true;
}
