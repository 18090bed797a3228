/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statements that one connection has prepared: a flush sends the same ones
 * each second, and to understand and plan them is a good part of their cost.
 *
 * Texts differ (see rows.h), so there is a limit to how many are kept. Beyond
 * it, and from time to time, all are let go and begin anew: a plan that was
 * made for a table of ten rows must not serve for ever.
 */
#ifndef RT_STORE_PREPARED_H
#define RT_STORE_PREPARED_H

#include "store/link.h"

struct prepared;

struct prepared *prepared_new(void);
void prepared_free(struct prepared *prepared);
/* The connection is gone, and with it all that it had prepared. */
void prepared_forget(struct prepared *prepared);
/*
 * Makes the steps with parameters use prepared statements, and adds the steps
 * that prepare them. To be run on that connection, before the next is made.
 * Optional steps are left as they are.
 */
void prepared_script(struct prepared *prepared, struct link_script *script);

#endif
