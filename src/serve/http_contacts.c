/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POST /api/v1/contacts: one contact as a JSON object, or several in an array.
 * All of them are looked at before the first is taken: when one is wrong, none
 * is stored, and the answer names it by its index. Those that are good go to
 * the feed of contacts.feed as lines of ringtally-json, each a record of its
 * own, and are answered when they are on the disk.
 */
#include "base/base.h"
#include "base/clock.h"

#include "format/ringtally_json.h"
#include "serve/http_inner.h"
#include "serve/json.h"

#define CONTACTS_WRONG 16 /* named in one answer */
#define CONTACTS_NOTES 16 /* the same */
#define CONTACTS_EVENT "\"event\":\"contact\","

struct contacts_wrong {
	size_t index;
	const char *why; /* a constant */
};

/* A body, as it is cut into objects. */
struct contacts_body {
	const char *p, *end;
	bool is_array;
	size_t n, n_wrong; /* objects; of these refused */
	struct contacts_wrong wrong[CONTACTS_WRONG];
	struct strbuf *notes;
	size_t n_notes;
};

static void
contacts_blanks(struct contacts_body *b)
{
	while (b->p < b->end &&
	    (*b->p == ' ' || *b->p == '\t' || *b->p == '\r' || *b->p == '\n'))
		b->p++;
}

static bool
contacts_take(struct contacts_body *b, char c)
{
	contacts_blanks(b);
	if (b->p == b->end || *b->p != c)
		return false;
	b->p++;
	return true;
}

/*
 * From an opening brace to the one that closes it. What stands between is the
 * parser's to look at: only texts and depth matter here.
 */
static bool
contacts_object(struct contacts_body *b, struct slice *object)
{
	size_t depth = 0;
	bool text = false;

	contacts_blanks(b);
	object->p = b->p;
	if (b->p == b->end || *b->p != '{')
		return false;
	for (; b->p < b->end; b->p++) {
		if (text && *b->p == '\\' && b->p + 1 < b->end)
			b->p++;
		else if (*b->p == '"')
			text = !text;
		else if (!text && (*b->p == '{' || *b->p == '['))
			depth++;
		else if (!text && (*b->p == '}' || *b->p == ']') &&
		    --depth == 0) {
			b->p++;
			object->n = (size_t)(b->p - object->p);
			return true;
		}
	}
	return false;
}

/* As one line: a line end in JSON stands between its parts only. */
static void
contacts_add(struct strbuf *lines, struct slice object, bool has_event)
{
	size_t at = lines->n;

	strbuf_addc(lines, '{');
	if (!has_event)
		strbuf_adds(lines, CONTACTS_EVENT);
	strbuf_add(lines, object.p + 1, object.n - 1);
	for (; at < lines->n; at++)
		if (lines->p[at] == '\n' || lines->p[at] == '\r')
			lines->p[at] = ' ';
	strbuf_addc(lines, '\n');
}

/* It is taken; but its sender should hear of it today. */
static void
contacts_note(void *ctx, const char *remark)
{
	struct contacts_body *b = ctx;

	if (b->n_notes++ >= CONTACTS_NOTES)
		return;
	json_put_object(b->notes, NULL);
	json_put_int(b->notes, "index", (int64_t)b->n);
	json_put_string(b->notes, "detail", remark);
	json_end_object(b->notes);
}

static void
contacts_look(struct contacts_body *b, struct ringtally_json *j,
    struct slice object, struct strbuf *lines)
{
	const char *why;
	bool has_event = false;

	if (object.n + strlen(CONTACTS_EVENT) > STAGE_RECORD_MAX)
		why = "longer than 65536 bytes";
	else if (ringtally_json_check_contact(
		     j, object, clock_wall_us(), &has_event, &why) == 0)
		why = NULL;
	if (why == NULL) {
		contacts_add(lines, object, has_event);
		ringtally_json_remarks(j, contacts_note, b);
	} else if (b->n_wrong++ < CONTACTS_WRONG) {
		b->wrong[b->n_wrong - 1] = (struct contacts_wrong){b->n, why};
	}
	b->n++;
}

/* False: it is no such document as it should be. */
static bool
contacts_cut(
    struct contacts_body *b, struct ringtally_json *j, struct strbuf *lines)
{
	struct slice object;

	if (b->end - b->p >= 3 && memcmp(b->p, "\xef\xbb\xbf", 3) == 0)
		b->p += 3;
	b->is_array = contacts_take(b, '[');
	if (b->is_array && contacts_take(b, ']'))
		return contacts_blanks(b), b->p == b->end;
	do {
		if (!contacts_object(b, &object))
			return false;
		contacts_look(b, j, object, lines);
	} while (b->is_array && contacts_take(b, ','));
	if (b->is_array && !contacts_take(b, ']'))
		return false;
	contacts_blanks(b);
	return b->p == b->end;
}

/* --- the answer ----------------------------------------------------------- */

static void
contacts_detail(const struct contacts_body *b, struct strbuf *to)
{
	if (!b->is_array)
		strbuf_adds(to, b->wrong[0].why);
	else
		strbuf_addf(to,
		    "%zu of %zu contacts are wrong, and none was stored: "
		    "[%zu] %s%s",
		    b->n_wrong, b->n, b->wrong[0].index, b->wrong[0].why,
		    b->n_wrong > 1 ? ", ..." : "");
}

/* As http_reply_problem, with a member `errors`. */
static void
contacts_refuse(struct http_conn *conn, struct evhttp_request *req,
    const struct contacts_body *b)
{
	struct strbuf text = STRBUF_INIT, detail = STRBUF_INIT;
	size_t i;

	contacts_detail(b, &detail);
	json_put_object(&text, NULL);
	json_put_int(&text, "status", 400);
	json_put_string(&text, "title", "Bad Request");
	json_put_string(&text, "detail", strbuf_str(&detail));
	json_put_array(&text, "errors");
	for (i = 0; i < RT_MIN(b->n_wrong, (size_t)CONTACTS_WRONG); i++) {
		json_put_object(&text, NULL);
		json_put_int(&text, "index", (int64_t)b->wrong[i].index);
		json_put_string(&text, "detail", b->wrong[i].why);
		json_end_object(&text);
	}
	json_end_array(&text);
	json_end_object(&text);
	strbuf_addc(&text, '\n');
	conn->http->counts.refused++;
	http_reply_bytes(conn, req, 400, "application/problem+json", &text);
	strbuf_fini(&detail);
}

bool
http_contacts_read(struct http_conn *conn, struct evhttp_request *req,
    struct slice body, struct strbuf *lines, struct strbuf *notes)
{
	struct contacts_body b = {
	    .p = body.p, .end = body.p + body.n, .notes = notes};
	struct ringtally_json *j = ringtally_json_new();
	bool whole = contacts_cut(&b, j, lines);

	ringtally_json_free(j);
	if (b.n_wrong > 0)
		contacts_refuse(conn, req, &b);
	else if (!whole)
		http_reply_problem(conn, req, 400,
		    "neither a JSON object nor an array of objects; none was "
		    "stored");
	else if (b.n == 0)
		http_reply_problem(conn, req, 400, "there is no contact in it");
	return whole && b.n > 0 && b.n_wrong == 0;
}
