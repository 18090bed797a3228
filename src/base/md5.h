/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MD5 (RFC 1321), for protocols that ask for it: Asterisk's manager hashes its
 * challenge with nothing better. Not for anything that has to be safe.
 */
#ifndef RT_BASE_MD5_H
#define RT_BASE_MD5_H

#include "base/slice.h"

#define MD5_HEX_MAX 33

/*
 * The digest of the parts, one behind the other, as 32 hexadecimal digits in
 * lower case and a terminator; none where the system forbids MD5.
 */
void md5_hex(char hex[MD5_HEX_MAX], const struct slice *parts, size_t n);

#endif
