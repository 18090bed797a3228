/* SPDX-License-Identifier: BSD-2-Clause */
/* CDR of any bytes; see fuzz/lines.h. */
#include "base/base.h"
#include "fuzz/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_lines("asterisk-cdr", "Europe/London", data, size);
	return 0;
}
