/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line a message to standard error. Under systemd each line
 * starts with its priority ("<4>") and the journal adds time and name; on a
 * terminal or in a file the time is written. Control characters in a message
 * are escaped, so that no queue name can forge a line.
 */
#ifndef RT_BASE_LOG_H
#define RT_BASE_LOG_H

#include "base/slice.h"

enum log_level {
	LOG_LEVEL_ERROR = 3, /* an operator must act */
	LOG_LEVEL_WARN = 4,  /* something was lost or refused, and we go on */
	LOG_LEVEL_NOTE = 5,  /* a change of state worth knowing */
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/*
 * A bound for what bad input can say: the first `burst` messages of each
 * period are written, the rest counted and told as one line with the next one
 * that is written. Static or embedded, starting as {0}.
 */
struct log_limit {
	int64_t period_start_us; /* of the monotonic clock */
	unsigned said;
	uint64_t held_back;
};

/* Messages above `level` are dropped. Starts at LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

void log_at(enum log_level level, const char *fmt, ...) RT_PRINTF(2, 3);
/* At most 5 messages in 10 seconds for each limit. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
    ...) RT_PRINTF(3, 4);

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_note(...)  log_at(LOG_LEVEL_NOTE, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                        \
	do {                                                  \
		if (log_wants(LOG_LEVEL_DEBUG))               \
			log_at(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
