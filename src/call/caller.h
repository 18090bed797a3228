/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who called, without telling who: the keyed hash of a caller's number, or of a
 * customer's address, which is all of it that is ever stored. Equal for one
 * caller under one key (so that calls again can be counted), worthless without
 * it: there are too few telephone numbers for a hash without a key to hide
 * anything.
 */
#ifndef RT_CALL_CALLER_H
#define RT_CALL_CALLER_H

#include "base/customer.h"

#define CALLER_KEY_BYTES  32
#define CALLER_HASH_BYTES 16

/*
 * BLAKE2b (crypto_generichash) of the number's one form (base/phone.h) under
 * the key. False, and hash untouched: the number is withheld, nobody called.
 * country_code: see phone_normalise.
 */
bool caller_hash(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], struct slice number,
    const char *country_code);

/*
 * A number in the form in which it may be stored (stage.h: hide_caller): a byte
 * of zero, its hash, and where there is one the hash under the key before.
 */
#define CALLER_HIDDEN_MAX (1 + 2 * CALLER_HASH_BYTES)

static inline bool
caller_is_hidden(struct slice number)
{
	return (number.n == 1 + CALLER_HASH_BYTES ||
		   number.n == CALLER_HIDDEN_MAX) &&
	    number.p[0] == 0;
}

/*
 * The same of who a contact was with: a number, whose hash is that of its
 * caller, or an address; see base/customer.h. hash is untouched where it is
 * neither.
 */
enum customer_kind caller_hash_customer(uint8_t hash[CALLER_HASH_BYTES],
    const uint8_t key[CALLER_KEY_BYTES], struct slice customer,
    const char *country_code);

#endif
