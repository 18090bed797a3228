/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <openssl/evp.h>

#include "base/md5.h"

void
md5_hex(char hex[MD5_HEX_MAX], const struct slice *parts, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned length = 0, i;

	/* where it is forbidden (FIPS), no login succeeds, and that is said */
	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_md5(), NULL) != 1)
		goto out;
	for (; n > 0; n--, parts++)
		EVP_DigestUpdate(ctx, parts->p, parts->n);
	if (EVP_DigestFinal_ex(ctx, digest, &length) != 1)
		length = 0;
out:
	EVP_MD_CTX_free(ctx);
	for (i = 0; i < length; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	hex[2 * (size_t)length] = '\0';
}
