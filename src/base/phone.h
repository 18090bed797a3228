/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers as switches send them, brought to one form, so that one
 * caller is one caller on every trunk: "0114 496 0001", "+44 (0)114 496 0001",
 * "00441144960001", "441144960001" and "sip:+441144960001@10.0.0.1;user=phone"
 * are all "+441144960001".
 *
 * A guess, and a cautious one: what is not surely a national or international
 * number (an extension, a number without its area code, a name) stays itself:
 * its ASCII letters, in lower case, and digits. The trunk prefix 0 is taken for
 * granted, as in Britain.
 */
#ifndef RT_BASE_PHONE_H
#define RT_BASE_PHONE_H

#include "base/slice.h"

#define PHONE_MAX 40 /* with the terminator; longer ones are cut */

/*
 * Writes the one form of `number`, terminated, and returns its length. 0:
 * withheld or unknown ("anonymous", "<unknown>", nothing but zeros ...), which
 * is nobody and must never be counted as one caller. country_code: "44", the
 * country whose national numbers these are; NULL or "": not known, national
 * numbers stay as they are. The form of a form is itself.
 */
size_t phone_normalise(
    char to[PHONE_MAX], struct slice number, const char *country_code);

/*
 * Overwrites with '#' the digits of whatever is long enough to be a telephone
 * number, however it is grouped, and of what may be an e-mail address the part
 * before the @. For texts that should hold none, but come from lines that
 * nobody could make sense of.
 */
void phone_hide(char *p, size_t n);

#endif
