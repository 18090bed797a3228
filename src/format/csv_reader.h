/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads CSV that somebody's spreadsheet or database has exported, record by
 * record, in bounded memory whatever it holds:
 *
 *	struct csv_reader reader;
 *
 *	csv_reader_init(&reader, &options);
 *	while ((says = csv_read(&reader, &err)) != CSV_END) {
 *		if (says == CSV_FAILED)
 *			return -1;
 *		if (says == CSV_BAD)
 *			complain(reader.line, reader.column, reader.why);
 *		else
 *			take(reader.csv.field, reader.csv.n);
 *	}
 *	csv_reader_fini(&reader);
 *
 * The rules are those of RFC 4180: fields in quotes may hold separators, line
 * ends and quotes that are written twice; a quote within a field that did not
 * begin with one is a letter like any other. Lines end with LF or CRLF. What
 * comes before: a byte order mark, and the "sep=;" that Excel understands, are
 * passed over. The separator is found in the first record unless it is given.
 *
 * What comes out is valid UTF-8 without NUL: a record that is not is bad, and
 * reading goes on behind it. So does a record that is too long, or has a quote
 * that the end of the file leaves open. What is no CSV at all (UTF-16, a zipped
 * workbook, lines that end with CR alone) fails with words that say what to do.
 */
#ifndef RT_FORMAT_CSV_READER_H
#define RT_FORMAT_CSV_READER_H

#include <sys/types.h>

#include "base/err.h"
#include "format/csv.h"

#define CSV_RECORD_MAX (1024 * 1024) /* bytes, with what its quotes hold */

enum csv_says { CSV_FAILED = -1, CSV_END, CSV_RECORD, CSV_BAD };

enum csv_encoding { CSV_UTF8, CSV_WINDOWS_1252 };

struct csv_options {
	char separator; /* 0: found in the first record: one of , ; tab | */
	enum csv_encoding encoding;
	/* Bytes that follow, at most n; 0 at the end; < 0 with the reason. */
	ssize_t (*fill)(void *ctx, void *to, size_t n, struct err *err);
	void *ctx;
};

/* How far a record was looked through for its end. */
struct csv_scan {
	int state;
	size_t bytes;	  /* since the record began */
	size_t line_from; /* of these, where its last line begins */
	uint64_t lines;	  /* line ends in it so far */
	/* of the quote that was opened last: which line of it, which byte */
	uint64_t quote_line;
	size_t quote_column;
};

struct csv_reader {
	struct csv csv;	     /* of the present record: its fields */
	uint64_t line;	     /* where it, or what is wrong, begins: from 1 */
	uint64_t column;     /* characters from the start of the line: from 1 */
	const char *why;     /* CSV_BAD: a constant text */
	struct slice record; /* as UTF-8; empty where it could not be had */
	/* the rest is the reader's own */
	struct csv_options options;
	struct csv_scan scan;
	bool begun, ended;
	uint64_t next_line;
	char *buffer;
	size_t at, have; /* the record begins there; bytes in the buffer */
	struct strbuf converted;
};

/* What options points at must live as long. Never fails. */
void
csv_reader_init(struct csv_reader *reader, const struct csv_options *options);
void csv_reader_fini(struct csv_reader *reader);

/*
 * The next record that is not an empty line, in reader->csv until the call
 * after this. CSV_BAD: it could not be had, the next one may.
 */
enum csv_says csv_read(struct csv_reader *reader, struct err *err);

/* Where the field i of the present record stands in the file; or its end. */
void csv_field_at(const struct csv_reader *reader, unsigned i, uint64_t *line,
    uint64_t *column);

#endif
