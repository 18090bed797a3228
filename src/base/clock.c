/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/clock.h"

static int64_t
clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		BUG("clock_gettime: %s", strerror(errno));
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
	return clock_read(CLOCK_REALTIME);
}
