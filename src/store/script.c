/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "store/link.h"

void
link_script_reset(struct link_script *script)
{
	while (script->n_texts > 0)
		free(script->texts[--script->n_texts]);
	script->n = 0;
}

void
link_script_fini(struct link_script *script)
{
	link_script_reset(script);
	free(script->step);
	free(script->texts);
	*script = (struct link_script){0};
}

struct link_step *
link_add(struct link_script *script, const char *sql)
{
	struct link_step *step;

	if (script->n == script->cap) {
		script->cap = script->cap * 2 + 16;
		script->step = mem_realloc(
		    script->step, (size_t)script->cap, sizeof(*script->step));
	}
	step = &script->step[script->n++];
	memset(step, 0, sizeof(*step));
	step->sql = sql;
	return step;
}

void
link_add_sync(struct link_script *script)
{
	link_add(script, NULL);
}

static struct link_step *
link_last(struct link_script *script)
{
	struct link_step *step = &script->step[script->n - 1];

	BUG_ON(script->n == 0 || step->n_params == LINK_PARAMS_MAX);
	return step;
}

/* The text is freed with the script's. */
static const char *
link_own(struct link_script *script, char *text)
{
	script->texts = mem_realloc(
	    script->texts, (size_t)script->n_texts + 1, sizeof(*script->texts));
	script->texts[script->n_texts++] = text;
	return text;
}

void
link_param(struct link_script *script, const char *text)
{
	struct link_step *step = link_last(script);

	step->value[step->n_params++] =
	    text != NULL ? link_own(script, mem_strdup(text)) : NULL;
}

void
link_param_int(struct link_script *script, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	link_param(script, text);
}

void
link_param_binary(struct link_script *script, const struct strbuf *bytes)
{
	struct link_step *step = link_last(script);

	step->value[step->n_params] = bytes->p;
	step->length[step->n_params] = (int)bytes->n;
	step->format[step->n_params++] = 1;
}

struct link_step *
link_add_rows(struct link_script *script, const char *site, struct rows *rows)
{
	int i;

	if (rows->n == 0)
		return NULL;
	rows_close(rows);
	link_add(script, link_own(script, rows_sql(rows)));
	link_param(script, site);
	for (i = 0; i < rows->table->n_columns; i++)
		if (rows_has(rows, i))
			link_param_binary(script, &rows->column[i]);
	return link_last(script);
}

void
link_add_copy(struct link_script *script, struct rows *rows)
{
	struct link_step *step;

	if (rows->n == 0)
		return;
	rows_close(rows);
	step = link_add(script, link_own(script, rows_sql(rows)));
	step->copy = &rows->column[0];
}
