/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a customer is, as other systems write it: a telephone number in any of
 * its forms (base/phone.h), or an e-mail address. Each is brought to one form,
 * and no form of a number is that of an address.
 *
 * What is neither, such as a person's name, is no customer: two people may bear
 * it, and who asks to be forgotten would take the other one along.
 */
#ifndef RT_BASE_CUSTOMER_H
#define RT_BASE_CUSTOMER_H

#include "base/slice.h"

#define CUSTOMER_ADDRESS_MAX 254 /* bytes, as mail servers take them */
#define CUSTOMER_MAX	     (CUSTOMER_ADDRESS_MAX + 8) /* with the terminator */
#define CUSTOMER_DIGITS_MIN  3 /* of a number that says who it is */

enum customer_kind {
	CUSTOMER_NOBODY, /* empty, or a number that is withheld */
	CUSTOMER_NUMBER,
	CUSTOMER_ADDRESS,
	CUSTOMER_NEITHER /* not usable */
};

/*
 * Writes the one form of a number or an address, terminated; else nothing. The
 * kind depends on the text alone. country_code: see phone_normalise.
 *
 * "Jo <Jo.Smith@Example.ORG>" is "mailto:jo.smith@example.org": of addresses
 * the whole text counts, without regard to the case of ASCII. What begins with
 * "sip:" or "tel:" is a number whatever stands in it: a caller, as a switch
 * names him.
 */
enum customer_kind customer_form(
    char to[CUSTOMER_MAX], struct slice text, const char *country_code);

#endif
