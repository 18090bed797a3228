/* SPDX-License-Identifier: BSD-2-Clause */
/* What this program needs of the database. */
#ifndef RT_STORE_SCHEMA_H
#define RT_STORE_SCHEMA_H

/*
 * The number of the last migration in sql/. The daemon works with exactly
 * this version: it writes nothing where it finds an older or a newer one.
 */
#define SCHEMA_VERSION 18

/* PostgreSQL 14: bloom BRIN indexes, subscripts of NULL bounds. */
#define SCHEMA_SERVER_MIN 140000

#endif
