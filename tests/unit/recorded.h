/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recording of a real Asterisk in ../shared/asterisk/day, which is not
 * everywhere: who reads it asks recorded_is_there first.
 */
#ifndef RT_TEST_RECORDED_H
#define RT_TEST_RECORDED_H

#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"

/* False, and said as a test that is passed over: it is not here. */
bool recorded_is_there(void);
/* Adds a file of it, which may be compressed. */
void recorded_read(struct strbuf *to, const char *name);

#endif
