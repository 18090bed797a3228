/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records cut out of any bytes: however they are chopped, and lines also when
 * the framer is started again in between, the same come out, none too long and
 * none of them at another place. A first byte of 1 to 4 names the framing (enum
 * framing), any other one begins lines. A byte of FUZZ_RUN stands for a run of
 * bytes, so that small inputs hold records that are too long.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "event/stage.h"

#define FUZZ_RUN       0xfe
#define FUZZ_RUN_BYTES 9001
#define FUZZ_BYTES_MAX (1 << 19)
#define FUZZ_HELD_MAX  (STAGE_RECORD_MAX + 8) /* a count before it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_expand(const uint8_t *data, size_t size, struct strbuf *to)
{
	size_t i;

	strbuf_reserve(to, 1); /* nothing at all stands somewhere, too */
	for (i = 0; i < size && to->n < FUZZ_BYTES_MAX; i++)
		if (data[i] == FUZZ_RUN)
			memset(strbuf_reserve(to, FUZZ_RUN_BYTES), 'x',
			    FUZZ_RUN_BYTES),
			    strbuf_added(to, FUZZ_RUN_BYTES);
		else
			strbuf_addc(to, (char)data[i]);
}

/* One more record: its place and its bytes. */
static void
fuzz_record(struct strbuf *out, enum framing framing, const struct strbuf *in,
    struct slice record)
{
	BUG_ON(record.p < in->p || record.p + record.n > in->p + in->n);
	BUG_ON(record.n > STAGE_RECORD_MAX);
	BUG_ON(framing == FRAMING_LINES &&
	    memchr(record.p, '\n', record.n) != NULL);
	BUG_ON(framing == FRAMING_BLOCKS && record.n == 0);
	strbuf_addf(out, "%zu+%zu ", (size_t)(record.p - in->p), record.n);
}

/* Offers in[at..upto) until nothing more is taken. */
static void
fuzz_offer(struct framer *f, const struct strbuf *in, size_t *at, size_t upto,
    bool last, struct strbuf *out)
{
	struct slice record;
	size_t taken = 0;

	while (framer_next(f, in->p + *at, upto - *at, &taken, last, &record))
		fuzz_record(out, f->framing, in, record);
	BUG_ON(taken > upto - *at);
	BUG_ON(last && taken != upto - *at);
	BUG_ON(f->framing != FRAMING_DOCUMENT &&
	    upto - *at - taken > FUZZ_HELD_MAX);
	*at += taken;
}

static void
fuzz_pieces(const struct strbuf *in, enum framing framing, uint64_t seed,
    struct strbuf *out)
{
	struct framer f = {.framing = framing};
	uint64_t oversize = 0;
	size_t at = 0, upto = 0;

	while (upto < in->n) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		upto += 1 + (seed >> 33) % (1 + in->n / 6);
		upto = RT_MIN(upto, in->n);
		fuzz_offer(&f, in, &at, upto, false, out);
		if (framing == FRAMING_LINES &&
		    (seed >> 60) < 4) { /* started again at its position */
			oversize += f.oversize;
			f = (struct framer){.skipping = f.skipping};
		}
	}
	fuzz_offer(&f, in, &at, in->n, true, out);
	strbuf_addf(out, "oversize %" PRIu64, oversize + f.oversize);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf in = STRBUF_INIT, whole = STRBUF_INIT;
	struct strbuf pieces = STRBUF_INIT;
	struct framer f = {.framing = FRAMING_LINES};
	uint64_t seed = size;
	size_t i, at = 0;

	if (size > 0 && data[0] > 0 && data[0] <= FRAMING_DOCUMENT) {
		f.framing = (enum framing)data[0];
		data++;
		size--;
	}
	fuzz_expand(data, size, &in);
	for (i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	fuzz_offer(&f, &in, &at, in.n, true, &whole);
	strbuf_addf(&whole, "oversize %" PRIu64, f.oversize);
	if (in.n > 0) {
		fuzz_pieces(&in, f.framing, seed, &pieces);
		if (strcmp(strbuf_str(&whole), strbuf_str(&pieces)) != 0)
			BUG("in one piece: %s, in pieces: %s",
			    strbuf_str(&whole), strbuf_str(&pieces));
	}
	strbuf_fini(&in);
	strbuf_fini(&whole);
	strbuf_fini(&pieces);
	return 0;
}
