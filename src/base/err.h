/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why an action failed. The caller owns the struct and may pass NULL where
 * the reason does not interest it; a call that succeeds leaves it untouched.
 *
 *	struct err err;
 *
 *	if (feed_open(feed, &err) < 0)
 *		log_warn("feed %s: %s", feed->name, err.text);
 */
#ifndef RT_BASE_ERR_H
#define RT_BASE_ERR_H

#include "base/base.h"

struct err {
	char text[512]; /* one line, without a newline at its end */
};

/* Sets the reason and returns -1, so that "return err_set(...)" reads well. */
int err_set(struct err *err, const char *fmt, ...) RT_PRINTF(2, 3);

/* The same, with ": " and the text of errno added. */
int err_sys(struct err *err, const char *fmt, ...) RT_PRINTF(2, 3);

/* Puts words before a reason that is set already; returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) RT_PRINTF(2, 3);

#endif
