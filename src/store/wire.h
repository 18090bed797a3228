/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL's binary forms of values, added to a strbuf. */
#ifndef RT_STORE_WIRE_H
#define RT_STORE_WIRE_H

#include <endian.h>

#include "base/clock.h"
#include "base/strbuf.h"

enum wire_oid {
	WIRE_BOOL = 16,
	WIRE_BYTEA = 17,
	WIRE_INT8 = 20,
	WIRE_INT4 = 23,
	WIRE_TEXT = 25,
	WIRE_TIME = 1184 /* timestamptz */
};

/* 2000-01-01 UTC, where PostgreSQL counts from, in our microseconds. */
#define WIRE_EPOCH_US (INT64_C(946684800) * USEC_PER_SEC)
/* The range of timestamptz: 4713 BC to the end of 294276. */
#define WIRE_TIME_MIN (-INT64_C(210866803200000000))
#define WIRE_TIME_MAX INT64_C(9223371331199999999)

/* What COPY begins with: the signature, no flags, no extension. */
static const char wire_copy_head[19] = "PGCOPY\n\377\r\n\0";

static inline void
wire_int2(struct strbuf *b, int16_t v)
{
	uint16_t be = htobe16((uint16_t)v);

	strbuf_add(b, &be, sizeof(be));
}

static inline void
wire_int4(struct strbuf *b, int32_t v)
{
	uint32_t be = htobe32((uint32_t)v);

	strbuf_add(b, &be, sizeof(be));
}

static inline void
wire_int8(struct strbuf *b, int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	strbuf_add(b, &be, sizeof(be));
}

/* A time of ours as PostgreSQL's, the nearest that it knows. */
static inline int64_t
wire_time(int64_t us)
{
	if (us < WIRE_TIME_MIN + WIRE_EPOCH_US)
		return WIRE_TIME_MIN;
	return RT_MIN(us - WIRE_EPOCH_US, WIRE_TIME_MAX);
}

/*
 * Fields, as they stand in COPY and in arrays: the length, then the value.
 * -1 is NULL.
 */
static inline void
wire_field_null(struct strbuf *b)
{
	wire_int4(b, -1);
}

static inline void
wire_field_bytes(struct strbuf *b, const void *bytes, size_t n)
{
	char *to = strbuf_reserve(b, sizeof(uint32_t) + n);
	uint32_t be = htobe32((uint32_t)n);

	memcpy(to, &be, sizeof(be));
	if (n > 0)
		memcpy(to + sizeof(be), bytes, n);
	strbuf_added(b, sizeof(be) + n);
}

static inline void
wire_field_text(struct strbuf *b, struct slice s)
{
	wire_field_bytes(b, s.p, s.n);
}

static inline void
wire_field_int4(struct strbuf *b, int32_t v)
{
	uint32_t be = htobe32((uint32_t)v);

	wire_field_bytes(b, &be, sizeof(be));
}

static inline void
wire_field_int8(struct strbuf *b, int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	wire_field_bytes(b, &be, sizeof(be));
}

static inline void
wire_field_time(struct strbuf *b, int64_t us)
{
	wire_field_int8(b, wire_time(us));
}

static inline void
wire_field_bool(struct strbuf *b, bool v)
{
	char byte = v ? 1 : 0;

	wire_field_bytes(b, &byte, sizeof(byte));
}

#endif
