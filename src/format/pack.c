/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/pack.h"

/* The sign goes to the lowest bit, so that small numbers stay short. */
void
pack_int(struct strbuf *to, int64_t value)
{
	uint64_t left = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);

	for (; left > 0x7f; left >>= 7)
		strbuf_addc(to, (char)(left | 0x80));
	strbuf_addc(to, (char)left);
}

void
pack_text(struct strbuf *to, struct slice text)
{
	pack_int(to, (int64_t)text.n);
	strbuf_add(to, text.p, text.n);
}

void
pack_caller(struct strbuf *to, const struct stage_setup *setup,
    struct slice number, bool hidden)
{
	struct strbuf kept = STRBUF_INIT;

	if (hidden)
		strbuf_add(&kept, number.p, number.n);
	else if (setup->hide_caller != NULL && number.n > 0)
		setup->hide_caller(setup->hide_ctx, number, &kept);
	pack_text(to, (struct slice){strbuf_str(&kept), kept.n});
	strbuf_fini(&kept);
}

bool
unpack_int(struct slice *from, int64_t *value)
{
	uint64_t got = 0;
	unsigned shift;

	for (shift = 0; from->n > 0 && shift < 64; shift += 7) {
		unsigned char byte = (unsigned char)*from->p;

		from->p++;
		from->n--;
		got |= (uint64_t)(byte & 0x7f) << shift;
		if (byte > 0x7f)
			continue;
		*value = (int64_t)(got >> 1 ^ ((got & 1) ? UINT64_MAX : 0));
		return true;
	}
	return false;
}

bool
unpack_text(struct slice *from, struct slice *text)
{
	int64_t n;

	if (!unpack_int(from, &n) || n < 0 || (uint64_t)n > from->n)
		return false;
	*text = (struct slice){from->p, (size_t)n};
	from->p += n;
	from->n -= (size_t)n;
	return true;
}
