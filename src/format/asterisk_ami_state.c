/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/asterisk_ami_state.h"

void
ami_put(struct strbuf *to, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		strbuf_addc(to, (char)(n | 0x80));
	strbuf_addc(to, (char)n);
}

void
ami_put_text(struct strbuf *to, struct slice text)
{
	ami_put(to, text.n);
	strbuf_add(to, text.p, text.n);
}

void
ami_put_time(struct strbuf *to, int64_t t)
{
	ami_put(to, t < 0 ? 0 : (uint64_t)t + 1);
}

uint64_t
ami_get(struct ami_reader *from)
{
	uint64_t n = 0;
	unsigned shift;

	for (shift = 0; from->ok && shift < 63; shift += 7) {
		unsigned char byte;

		if (from->left.n == 0)
			break;
		byte = (unsigned char)*from->left.p++;
		from->left.n--;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
	from->ok = false;
	return 0;
}

int64_t
ami_get_time(struct ami_reader *from)
{
	return (int64_t)ami_get(from) - 1;
}

struct slice
ami_get_text(struct ami_reader *from)
{
	uint64_t n = ami_get(from);
	struct slice text = {"", 0};

	if (!from->ok || n > from->left.n) {
		from->ok = false;
		return text;
	}
	text = (struct slice){from->left.p, (size_t)n};
	from->left.p += n;
	from->left.n -= n;
	return text;
}
