/* SPDX-License-Identifier: BSD-2-Clause */
/* What /readyz says: whether the feeds and the database are in order. */
#ifndef RT_SERVE_HEALTH_H
#define RT_SERVE_HEALTH_H

#include "base/strbuf.h"
#include "serve/view.h"

/*
 * True: what is shown is up to date and is being kept. Writes it as JSON, with
 * the reason for each part that is not.
 */
bool health_render(struct view *view, int64_t now_us, struct strbuf *to);

#endif
