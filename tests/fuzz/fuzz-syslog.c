/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of any bytes: what is left of one lies within it. And any line put
 * into a frame comes out of it as it was, but for what ends it.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "event/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_any(struct slice bytes)
{
	struct record record = RECORD_OF(bytes);
	const char *why = NULL;

	if (syslog_unwrap(&record, &why) < 0) {
		BUG_ON(why == NULL || record.bytes.p != bytes.p ||
		    record.bytes.n != bytes.n);
		return;
	}
	BUG_ON(record.bytes.p < bytes.p ||
	    record.bytes.p + record.bytes.n > bytes.p + bytes.n);
}

static void
fuzz_wrapped(const char *header, struct slice line)
{
	struct strbuf frame = STRBUF_INIT;
	struct record record;
	const char *why = "";

	strbuf_adds(&frame, header);
	strbuf_add(&frame, line.p, line.n);
	record = RECORD_OF(((struct slice){frame.p, frame.n}));
	if (syslog_unwrap(&record, &why) < 0)
		BUG("%s: %s", header, why);
	if (!slice_eq(record.bytes, line))
		BUG("%s: another line comes out", header);
	strbuf_fini(&frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice line = {(const char *)data, size};

	fuzz_any(line);
	while (line.n > 0 && memchr("\r\n", line.p[line.n - 1], 3) != NULL)
		line.n--;
	if (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
		return 0;
	fuzz_wrapped(
	    "<134>1 2026-08-21T10:00:00Z h crm 4 - [a@1 b=\"]\"] ", line);
	fuzz_wrapped("<134>Aug 21 10:00:00 h crm[4]: ", line);
	fuzz_wrapped("Aug 21 10:00:00 crm: ", line);
	return 0;
}
