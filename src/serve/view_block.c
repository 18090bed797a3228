/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of figures: what is written of sums. */
#include "base/base.h"
#include "serve/view_inner.h"

void
view_columns_make(struct view *view)
{
	const struct option_ints *ts = &view->settings.thresholds_s;
	size_t cap = (size_t)FIGURES * RT_MAX((size_t)ts->n, (size_t)1);
	int figure, i;

	free(view->columns);
	view->columns = mem_zalloc(cap * sizeof(*view->columns));
	view->n_columns = 0;
	for (figure = 0; figure < FIGURES; figure++)
		for (i = 0; i < (figure_rows[figure].per_t ? ts->n : 1); i++) {
			struct view_column *column =
			    &view->columns[view->n_columns++];

			column->figure = (enum figure)figure;
			column->within_s = ts->n > 0 ? ts->v[i] : 0;
			figure_name(
			    column->name, column->figure, column->within_s);
		}
}

void
view_figures_write(const struct view *view, struct strbuf *b,
    const struct figure_sum *sum, bool day)
{
	size_t i;

	for (i = 0; i < view->n_columns; i++) {
		const struct view_column *column = &view->columns[i];

		if (figure_is_of_days(column->figure) && !day)
			continue;
		json_put_figure(b, column->name,
		    figure_value(column->figure, sum, column->within_s));
	}
}

void
view_block_write(const struct view *view, struct strbuf *b,
    const struct view_span *span, const struct figure_sum *sum,
    const struct view_target *target)
{
	static const char *const names[VIEW_BLOCKS] = {
	    "today", "last_15m", "last_60m"};

	json_put_object(b, names[span->block]);
	json_put_time(b, "since", span->since_us);
	json_put_bool(b, "complete", span->complete);
	view_figures_write(view, b, sum, span->block == VIEW_TODAY);
	if (span->block == VIEW_TODAY && target != NULL)
		json_put_figure(b, "target_pct",
		    figure_value(
			FIGURE_sl_T_offered_pct, sum, target->within_s));
	json_end_object(b);
}
