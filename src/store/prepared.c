/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/table.h"
#include "store/prepared.h"

#define PREPARED_MAX	 32  /* statements: the server holds a plan for each */
#define PREPARED_SCRIPTS 256 /* until they are planned anew */

struct statement {
	UT_hash_handle hh;
	char name[16];
	char sql[];
};

struct prepared {
	struct statement *statements; /* by their text */
	unsigned n;
	unsigned scripts; /* that used them */
};

struct prepared *
prepared_new(void)
{
	return mem_zalloc(sizeof(struct prepared));
}

void
prepared_forget(struct prepared *prepared)
{
	struct statement *statement, *next;

	HASH_ITER (hh, prepared->statements, statement, next) {
		HASH_DEL(prepared->statements, statement);
		free(statement);
	}
	prepared->n = prepared->scripts = 0;
}

void
prepared_free(struct prepared *prepared)
{
	if (prepared == NULL)
		return;
	prepared_forget(prepared);
	free(prepared);
}

static struct statement *
prepared_find(const struct prepared *prepared, const char *sql)
{
	struct statement *statement;

	HASH_FIND_STR(prepared->statements, sql, statement);
	return statement;
}

static struct statement *
prepared_add(struct prepared *prepared, const char *sql)
{
	size_t size = strlen(sql) + 1;
	struct statement *statement = mem_alloc(sizeof(*statement) + size);

	snprintf(statement->name, sizeof(statement->name), "ringtally_%u",
	    prepared->n++);
	memcpy(statement->sql, sql, size);
	HASH_ADD_STR(prepared->statements, sql, statement);
	return statement;
}

static bool
prepared_wants(const struct link_step *step)
{
	return step->sql != NULL && step->n_params > 0 && !step->optional &&
	    step->copy == NULL;
}

/* Not within the script: what it has used before would be prepared twice. */
static bool
prepared_is_over(
    const struct prepared *prepared, const struct link_script *script)
{
	unsigned more = 0;
	int i;

	for (i = 0; i < script->n; i++)
		more += prepared_wants(&script->step[i]) &&
		    prepared_find(prepared, script->step[i].sql) == NULL;
	return prepared->n > 0 &&
	    (prepared->n + more > PREPARED_MAX ||
		prepared->scripts >= PREPARED_SCRIPTS);
}

/* The step, and before it the one that prepares it where none has. */
static void
prepared_step(struct prepared *prepared, struct link_script *script,
    const struct link_step *step)
{
	struct statement *statement;
	struct link_step *to;

	if (!prepared_wants(step)) {
		*link_add(script, NULL) = *step;
		return;
	}
	statement = prepared_find(prepared, step->sql);
	if (statement == NULL) {
		statement = prepared_add(prepared, step->sql);
		to = link_add(script, step->sql);
		to->name = statement->name;
		to->prepares = true;
	}
	to = link_add(script, NULL);
	*to = *step;
	to->name = statement->name;
}

void
prepared_script(struct prepared *prepared, struct link_script *script)
{
	struct link_script with = {
	    .texts = script->texts, .n_texts = script->n_texts};
	int i;

	if (prepared_is_over(prepared, script)) {
		prepared_forget(prepared);
		link_add(&with, "DEALLOCATE ALL");
	}
	prepared->scripts++;
	for (i = 0; i < script->n; i++)
		prepared_step(prepared, &with, &script->step[i]);
	free(script->step);
	*script = with;
}
