/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures: what is worked out from sums. The counts and sums of visits become
 * shares, means and percentiles here and nowhere else in the daemon and its
 * commands; figures.def declares each with its formula, sql/0003_views.sql says
 * the same to the database.
 *
 * A figure's value is a whole number of the last decimal that is shown, so that
 * no binary fraction can round it differently from PostgreSQL's numeric: 85.3 %
 * is 853 with one decimal. Shares and means are rounded half up.
 */
#ifndef RT_TALLY_FIGURE_H
#define RT_TALLY_FIGURE_H

#include "base/hist.h"
#include "tally/measure.h"

struct cell;

/* Cells added up: of several queues, of a day, of an hour. */
struct figure_sum {
	int64_t v[MEASURES];
	struct hist wait_answered, wait_abandoned;
};

enum figure {
#define FIGURE(name, per_t, unit, formula, help) FIGURE_##name,
#include "tally/figures.def"
#undef FIGURE
	FIGURES
};

struct figure_row {
	const char *name; /* with a T where it is one for each threshold */
	bool per_t;
	const char *unit; /* "visits", "rings", "s" or "%" */
	const char *formula;
	const char *help;
};

extern const struct figure_row figure_rows[FIGURES];

struct figure_value {
	int64_t n;	 /* in units of the last decimal */
	int8_t decimals; /* 0, 1 or 3 */
	bool null;	 /* of nothing */
};

void figure_sum_fini(struct figure_sum *sum);
/* Back to nothing; the memory stays. */
void figure_sum_reset(struct figure_sum *sum);
/* Adds measures: sums are added, a maximum is the greater one. */
void figure_add_measures(int64_t to[MEASURES], const int64_t from[MEASURES]);
void figure_add_cell(struct figure_sum *to, const struct cell *cell);
void figure_add(struct figure_sum *to, const struct figure_sum *from);

/* Visits that have not ended: offered less all outcomes. */
int64_t figure_waiting(const int64_t v[MEASURES]);

/*
 * What is booked in the day only, and in no window of minutes: what agents did,
 * and what is found out of a visit when it is long over.
 */
bool figure_is_of_days(enum figure figure);

/* within_s: the T of the figures that have one; others do not look at it. */
struct figure_value figure_value(
    enum figure figure, const struct figure_sum *sum, int64_t within_s);

/*
 * How many more visits in a row must be answered in time for within/offered to
 * reach pct (0 to 100): 0 where it does, -1 where it never can.
 */
int64_t figure_to_target(int64_t within, int64_t offered, double pct);
/* Whether within/offered is at least pct; false when offered is 0. */
bool figure_reaches(int64_t within, int64_t offered, double pct);

#define FIGURE_NAME_MAX 40
/* The figure's name with its T written out, "sl_20_offered_pct". */
const char *
figure_name(char to[FIGURE_NAME_MAX], enum figure figure, int64_t within_s);

/* Writes the value as a decimal number, or `null`; returns its length. */
#define FIGURE_TEXT_MAX 32
size_t figure_text(
    char to[FIGURE_TEXT_MAX], struct figure_value value, const char *null);

#endif
