/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <math.h>

#include "tally/figure.h"
#include "tally/tally.h"

#define FIGURE(name, per_t, unit, formula, help) \
	{#name, per_t, unit, formula, help},

const struct figure_row figure_rows[FIGURES] = {
#include "tally/figures.def"
};

#undef FIGURE

/* --- sums ---------------------------------------------------------------- */

void
figure_sum_fini(struct figure_sum *sum)
{
	hist_fini(&sum->wait_answered);
	hist_fini(&sum->wait_abandoned);
}

void
figure_sum_reset(struct figure_sum *sum)
{
	memset(sum->v, 0, sizeof(sum->v));
	hist_reset(&sum->wait_answered);
	hist_reset(&sum->wait_abandoned);
}

void
figure_add_measures(int64_t to[MEASURES], const int64_t from[MEASURES])
{
	int i;

	for (i = 0; i < MEASURES; i++)
		if (measure_kind((enum measure)i) == MEASURE_KIND_MAX)
			to[i] = RT_MAX(to[i], from[i]);
		else
			to[i] += from[i];
}

void
figure_add_cell(struct figure_sum *to, const struct cell *cell)
{
	figure_add_measures(to->v, cell->v);
	hist_merge(&to->wait_answered, &cell->wait_answered);
	hist_merge(&to->wait_abandoned, &cell->wait_abandoned);
}

void
figure_add(struct figure_sum *to, const struct figure_sum *from)
{
	figure_add_measures(to->v, from->v);
	hist_merge(&to->wait_answered, &from->wait_answered);
	hist_merge(&to->wait_abandoned, &from->wait_abandoned);
}

int64_t
figure_waiting(const int64_t v[MEASURES])
{
	return v[MEASURE_offered] - v[MEASURE_answered] - v[MEASURE_abandoned] -
	    v[MEASURE_timed_out] - v[MEASURE_exited_key] -
	    v[MEASURE_exited_empty] - v[MEASURE_withdrawn] -
	    v[MEASURE_refused] - v[MEASURE_lost];
}

bool
figure_is_of_days(enum figure figure)
{
	switch (figure) {
	case FIGURE_ring_no_answer:
	case FIGURE_caller_known:
	case FIGURE_repeated:
	case FIGURE_misrouted:
	case FIGURE_abandoned_known:
	case FIGURE_called_back:
	case FIGURE_inferred_repeat_pct:
	case FIGURE_inferred_misrouted_pct:
	case FIGURE_inferred_callback_pct:
		return true;
	default:
		return false;
	}
}

/* --- values -------------------------------------------------------------- */

static struct figure_value
figure_count(int64_t n)
{
	return (struct figure_value){.n = n};
}

static struct figure_value
figure_ms(int64_t ms)
{
	return (struct figure_value){.n = ms, .decimals = 3};
}

/* numerator/denominator tenths, rounded half up; null where it is of nothing */
static struct figure_value
figure_tenths(int64_t numerator, int64_t denominator)
{
	if (denominator <= 0)
		return (struct figure_value){.decimals = 1, .null = true};
	return (struct figure_value){
	    .n = (2 * numerator + denominator) / (2 * denominator),
	    .decimals = 1};
}

static struct figure_value
figure_share(int64_t part, int64_t whole)
{
	return figure_tenths(part * 1000, whole);
}

static struct figure_value
figure_mean(int64_t sum_ms, int64_t n)
{
	return figure_tenths(sum_ms, n * 100);
}

static struct figure_value
figure_percentile(const struct hist *h, int pct)
{
	int64_t seconds = hist_percentile(h, pct);

	return (struct figure_value){
	    .n = RT_MAX(seconds, 0), .null = seconds < 0};
}

static struct figure_value
figure_unknown(int8_t decimals)
{
	return (struct figure_value){.decimals = decimals, .null = true};
}

static int8_t
figure_decimals(enum figure figure)
{
	switch (figure) {
	case FIGURE_answered_T:
	case FIGURE_abandoned_T:
	case FIGURE_abandoned_short:
	case FIGURE_p50_wait_s:
	case FIGURE_p90_wait_s:
	case FIGURE_p95_wait_s:
		return 0;
	case FIGURE_wait_answered_s:
	case FIGURE_wait_abandoned_s:
	case FIGURE_max_wait_s:
	case FIGURE_talk_s:
		return 3;
	default:
		return 1;
	}
}

/*
 * A feed that tells of calls afterwards may not know how long one waited: it is
 * in the counts and in no histogram.
 */
static bool
figure_waits_known(const struct hist *h, int64_t visits)
{
	return hist_total(h) == visits;
}

/*
 * Whether the figure can be told: it asks for waits that all are known, or for
 * the length of at least one conversation.
 */
static bool
figure_is_known(enum figure figure, const struct figure_sum *sum)
{
	const int64_t *v = sum->v;

	switch (figure) {
	case FIGURE_abandoned_T:
	case FIGURE_abandoned_short:
	case FIGURE_abandoned_excl_short_pct:
	case FIGURE_wait_abandoned_s:
		return figure_waits_known(
		    &sum->wait_abandoned, v[MEASURE_abandoned]);
	case FIGURE_sl_T_excl_short_pct:
	case FIGURE_sl_T_excl_within_pct:
	case FIGURE_sl_T_incl_within_pct:
	case FIGURE_max_wait_s:
		return figure_waits_known(
			   &sum->wait_abandoned, v[MEASURE_abandoned]) &&
		    figure_waits_known(
			&sum->wait_answered, v[MEASURE_answered]);
	case FIGURE_answered_T:
	case FIGURE_sl_T_offered_pct:
	case FIGURE_sl_T_answered_pct:
	case FIGURE_wait_answered_s:
	case FIGURE_asa_s:
	case FIGURE_p50_wait_s:
	case FIGURE_p90_wait_s:
	case FIGURE_p95_wait_s:
		return figure_waits_known(
		    &sum->wait_answered, v[MEASURE_answered]);
	case FIGURE_talk_s:
		return v[MEASURE_talk_unknown] == 0 ||
		    v[MEASURE_talk_unknown] < v[MEASURE_answered];
	default:
		return true;
	}
}

/* The figures that look at the histograms for a T. */
static struct figure_value
figure_within(enum figure figure, const struct figure_sum *sum, int64_t within)
{
	const int64_t *v = sum->v;
	int64_t a = hist_within(&sum->wait_answered, within);
	int64_t b = hist_within(&sum->wait_abandoned, within);

	switch (figure) {
	case FIGURE_answered_T:
		return figure_count(a);
	case FIGURE_abandoned_T:
		return figure_count(b);
	case FIGURE_sl_T_offered_pct:
		return figure_share(a, v[MEASURE_offered]);
	case FIGURE_sl_T_answered_pct:
		return figure_share(a, v[MEASURE_answered]);
	case FIGURE_sl_T_excl_short_pct:
		return figure_share(
		    a, v[MEASURE_offered] - v[MEASURE_abandoned_short]);
	case FIGURE_sl_T_excl_within_pct:
		return figure_share(a, v[MEASURE_offered] - b);
	case FIGURE_sl_T_incl_within_pct:
		return figure_share(a + b, v[MEASURE_offered]);
	default:
		BUG("figure %d has no T", (int)figure);
	}
}

/* The figures that are a measure as it was counted. */
static bool
figure_counted(enum figure figure, const int64_t *v, struct figure_value *value)
{
	switch (figure) {
#define COUNTED(name)                                     \
	case FIGURE_##name:                               \
		*value = figure_count(v[MEASURE_##name]); \
		return true
#define SECONDS(name)                                       \
	case FIGURE_##name##_s:                             \
		*value = figure_ms(v[MEASURE_##name##_ms]); \
		return true
		COUNTED(offered);
		COUNTED(answered);
		COUNTED(abandoned);
		COUNTED(abandoned_short);
		COUNTED(timed_out);
		COUNTED(exited_key);
		COUNTED(exited_empty);
		COUNTED(withdrawn);
		COUNTED(refused);
		COUNTED(lost);
		COUNTED(transferred);
		COUNTED(ring_no_answer);
		COUNTED(caller_known);
		COUNTED(repeated);
		COUNTED(misrouted);
		COUNTED(abandoned_known);
		COUNTED(called_back);
		COUNTED(talk_unknown);
		SECONDS(wait_answered);
		SECONDS(wait_abandoned);
		SECONDS(max_wait);
		SECONDS(talk);
		SECONDS(hold);
		SECONDS(wrap_up);
#undef COUNTED
#undef SECONDS
	default:
		return false;
	}
}

struct figure_value
figure_value(enum figure figure, const struct figure_sum *sum, int64_t within_s)
{
	const int64_t *v = sum->v;
	struct figure_value value;

	BUG_ON((unsigned)figure >= FIGURES);
	if (!figure_is_known(figure, sum))
		return figure_unknown(figure_decimals(figure));
	if (figure_rows[figure].per_t)
		return figure_within(figure, sum, within_s);
	if (figure_counted(figure, v, &value))
		return value;
	switch (figure) {
	case FIGURE_waiting:
		return figure_count(figure_waiting(v));
	case FIGURE_abandoned_pct:
		return figure_share(v[MEASURE_abandoned], v[MEASURE_offered]);
	case FIGURE_abandoned_excl_short_pct:
		return figure_share(
		    v[MEASURE_abandoned] - v[MEASURE_abandoned_short],
		    v[MEASURE_offered] - v[MEASURE_abandoned_short]);
	case FIGURE_asa_s:
		return figure_mean(
		    v[MEASURE_wait_answered_ms], v[MEASURE_answered]);
	case FIGURE_aht_s:
		return figure_mean(v[MEASURE_talk_ms] + v[MEASURE_hold_ms] +
			v[MEASURE_wrap_up_ms],
		    v[MEASURE_answered] - v[MEASURE_talk_unknown]);
	case FIGURE_inferred_repeat_pct:
		return figure_share(
		    v[MEASURE_repeated], v[MEASURE_caller_known]);
	case FIGURE_inferred_misrouted_pct:
		return figure_share(v[MEASURE_misrouted], v[MEASURE_answered]);
	case FIGURE_inferred_callback_pct:
		return figure_share(
		    v[MEASURE_called_back], v[MEASURE_abandoned_known]);
	case FIGURE_p50_wait_s:
		return figure_percentile(&sum->wait_answered, 50);
	case FIGURE_p90_wait_s:
		return figure_percentile(&sum->wait_answered, 90);
	case FIGURE_p95_wait_s:
		return figure_percentile(&sum->wait_answered, 95);
	default:
		BUG("figure %s is not worked out", figure_rows[figure].name);
	}
}

/* --- targets ------------------------------------------------------------- */

/*
 * A target has few decimals, a double has not: compared in millionths of a
 * percent, so that 85.1 means 85.1.
 */
#define FIGURE_PCT_SCALE INT64_C(1000000)

static int64_t
figure_scaled(double pct)
{
	return (int64_t)llround(pct * (double)FIGURE_PCT_SCALE);
}

bool
figure_reaches(int64_t within, int64_t offered, double pct)
{
	return offered > 0 &&
	    within * (100 * FIGURE_PCT_SCALE) >= offered * figure_scaled(pct);
}

int64_t
figure_to_target(int64_t within, int64_t offered, double pct)
{
	int64_t whole = 100 * FIGURE_PCT_SCALE, part = figure_scaled(pct);
	/* (within + n) / (offered + n) >= part / whole, solved for n */
	int64_t missing = offered * part - within * whole;

	if (missing <= 0)
		return 0;
	if (part >= whole)
		return -1;
	return (missing + whole - part - 1) / (whole - part);
}

/* --- text ---------------------------------------------------------------- */

const char *
figure_name(char to[FIGURE_NAME_MAX], enum figure figure, int64_t within_s)
{
	const char *name = figure_rows[figure].name;
	const char *t = figure_rows[figure].per_t ? strchr(name, 'T') : NULL;

	if (t == NULL)
		snprintf(to, FIGURE_NAME_MAX, "%s", name);
	else
		snprintf(to, FIGURE_NAME_MAX, "%.*s%" PRId64 "%s",
		    (int)(t - name), name, within_s, t + 1);
	return to;
}

size_t
figure_text(
    char to[FIGURE_TEXT_MAX], struct figure_value value, const char *null)
{
	static const int64_t scales[] = {1, 10, 100, 1000};
	int64_t scale = scales[value.decimals];
	int64_t n = llabs(value.n);
	const char *sign = value.n < 0 ? "-" : "";
	int length;

	if (value.null)
		length = snprintf(to, FIGURE_TEXT_MAX, "%s", null);
	else if (value.decimals == 0)
		length = snprintf(to, FIGURE_TEXT_MAX, "%s%" PRId64, sign, n);
	else
		length =
		    snprintf(to, FIGURE_TEXT_MAX, "%s%" PRId64 ".%0*" PRId64,
			sign, n / scale, value.decimals, n % scale);
	return (size_t)length;
}
