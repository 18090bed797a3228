/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service manager's notification socket (sd_notify(3)): a datagram to
 * $NOTIFY_SOCKET. Nothing happens where there is none.
 */
#ifndef RT_NOTIFY_H
#define RT_NOTIFY_H

#include "base/base.h"

/* Sends "READY=1", "STATUS=..." and the like; several lines are fine. */
void notify_send(const char *fmt, ...) RT_PRINTF(1, 2);

/*
 * How often WATCHDOG=1 is due, in microseconds: half of what the manager
 * demands of this process. 0: it does not ask.
 */
int64_t notify_watchdog_us(void);

#endif
