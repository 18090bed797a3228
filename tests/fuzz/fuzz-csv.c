/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV of any bytes, read in one piece and in small ones: both give the same
 * records, valid UTF-8 all of it. What comes of them as contacts must be fit
 * for the database. The first byte chooses the piece, the encoding and the
 * separator.
 */
#include "base/base.h"
#include "base/utf8.h"
#include "base/table.h"
#include "cli/contacts_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_source {
	const uint8_t *p;
	size_t n, piece;
};

static ssize_t
fuzz_fill(void *ctx, void *to, size_t n, struct err *err RT_UNUSED)
{
	struct fuzz_source *from = ctx;

	n = RT_MIN(RT_MIN(n, from->n), from->piece);
	memcpy(to, from->p, n);
	from->p += n;
	from->n -= n;
	return (ssize_t)n;
}

static void
fuzz_check_text(struct slice s)
{
	uint32_t rune;
	size_t i, n;

	for (i = 0; i < s.n; i += n) {
		n = utf8_decode(s.p + i, s.n - i, &rune);
		if (n == 0 || rune == 0)
			BUG("a text that PostgreSQL would refuse");
	}
}

static void
fuzz_check_row(const struct contacts_row *row)
{
	const struct slice texts[] = {row->ref, row->channel, row->service,
	    row->category, row->code, row->request, row->assessed_by,
	    row->switch_name, row->call_id, row->agent};
	size_t i;

	BUG_ON(row->ref.n == 0);
	BUG_ON(row->at_us < 0);
	for (i = 0; i < RT_COUNT(texts); i++) {
		BUG_ON(texts[i].n > CONTACTS_TEXT_MAX);
		fuzz_check_text(texts[i]);
	}
}

/* What stands in the present record and where, as one number. */
static uint64_t
fuzz_hash(const struct csv_reader *r, enum csv_says says, uint64_t so_far)
{
	uint64_t line, column;
	unsigned i;

	so_far = XXH3_64bits_withSeed(
	    &r->line, sizeof(r->line), so_far + (uint64_t)says);
	if (says == CSV_BAD)
		return XXH3_64bits_withSeed(
		    r->why, strlen(r->why), so_far + r->column);
	for (i = 0; i < r->csv.n; i++) {
		csv_field_at(r, i, &line, &column);
		BUG_ON(line < r->line || column == 0);
		fuzz_check_text(r->csv.field[i]);
		so_far = XXH3_64bits_withSeed(r->csv.field[i].p,
		    r->csv.field[i].n, so_far + line + column);
	}
	return so_far;
}

static uint64_t
fuzz_read(uint8_t how, size_t piece, const uint8_t *data, size_t size)
{
	static const char separators[] = {0, ',', ';', '\t'};
	static const struct caller_key key = {{1}};
	struct fuzz_source source = {data, size, piece};
	struct csv_options options = {.separator = separators[how >> 1 & 3],
	    .encoding = how & 1 ? CSV_WINDOWS_1252 : CSV_UTF8,
	    .fill = fuzz_fill,
	    .ctx = &source};
	struct mapping map;
	struct csvfile file = {.map = &map, .path = "fuzz"};
	struct contacts_maker *maker = mem_zalloc(sizeof(*maker));
	struct csv_reader *r = &file.reader;
	struct contacts_row row;
	uint64_t hash = 0, last = 0;
	enum csv_says says;
	struct err err;
	bool mapped;

	mapping_init(&map, contacts_fields);
	contacts_maker_init(maker);
	maker->file = &file;
	maker->source = SLICE("fuzz");
	maker->key = &key;
	csv_reader_init(r, &options);
	says = csv_read(r, &err);
	mapped = says == CSV_RECORD && mapping_find(&map, &r->csv, &err) == 0;
	for (; says > CSV_END; says = csv_read(r, &err)) {
		BUG_ON(r->line < last);
		last = r->line;
		hash = fuzz_hash(r, says, hash);
		if (mapped && says == CSV_RECORD && contacts_make(maker, &row))
			fuzz_check_row(&row);
	}
	hash = XXH3_64bits_withSeed("end", 3, hash + (says == CSV_FAILED));
	csv_reader_fini(r);
	contacts_maker_fini(maker);
	mapping_fini(&map);
	free(maker);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (fuzz_read(data[0], SIZE_MAX, data + 1, size - 1) !=
	    fuzz_read(data[0], (size_t)(data[0] >> 3) + 1, data + 1, size - 1))
		BUG("the pieces of a file change what it says");
	return 0;
}
