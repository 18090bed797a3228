/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look at a configuration file's text before libconfig 1.5 parses it: that
 * cuts whole numbers to 32 bits without a word (max_queues = 4294967297 would
 * be 1), and calls a file of nothing but comments a syntax error.
 */
#ifndef RT_CONF_SCAN_H
#define RT_CONF_SCAN_H

#include "base/base.h"

/* 0, or the line of the first number that does not fit. */
int conf_scan_numbers(const char *text);

/* Nothing but white space and comments. */
bool conf_scan_blank(const char *text);

#endif
