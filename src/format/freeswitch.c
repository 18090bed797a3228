/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "event/contact.h"
#include "format/freeswitch.h"

/* Above this many seconds, the year 9999, a time is no time. */
#define FREESWITCH_EPOCH_MAX INT64_C(253402300799)

static const struct freeswitch_row {
	const char *name[2]; /* by naming */
} freeswitch_rows[FREESWITCH_FIELDS] = {
#define FIELD(name, header, variable) \
	[FREESWITCH_##name] = {{header, variable}},
#include "format/freeswitch_fields.def"
#undef FIELD
};

/* --- names ---------------------------------------------------------------- */

static unsigned
freeswitch_hash(struct slice name)
{
	unsigned h = (unsigned)name.n;

	h = h * 31 + ((unsigned char)name.p[0] | 0x20);
	h = h * 31 + ((unsigned char)name.p[name.n / 2] | 0x20);
	h = h * 31 + ((unsigned char)name.p[name.n - 1] | 0x20);
	h = h * 31 + ((unsigned char)name.p[name.n - name.n / 3] | 0x20);
	return (h ^ h >> 8 ^ h >> 16) & 255;
}

void
freeswitch_names_init(
    struct freeswitch_names *names, enum freeswitch_naming naming)
{
	unsigned at;
	int i;

	*names = (struct freeswitch_names){.naming = naming};
	for (i = 0; i < FREESWITCH_FIELDS; i++) {
		struct slice name = slice_of(freeswitch_rows[i].name[naming]);

		if (name.n == 0)
			continue;
		at = freeswitch_hash(name);
		while (names->slot[at] != 0)
			at = (at + 1) & 255;
		names->slot[at] = (uint8_t)(i + 1);
	}
}

void
freeswitch_names_contact(struct freeswitch_names *names, const char *variable)
{
	int n;

	names->contact.n = 0;
	if (variable == NULL || *variable == '\0')
		return;
	n = snprintf(names->contact_name, sizeof(names->contact_name), "%s%s",
	    names->naming == FREESWITCH_HEADERS ? "variable_" : "", variable);
	BUG_ON((size_t)n >= sizeof(names->contact_name));
	names->contact = (struct slice){names->contact_name, (size_t)n};
}

int
freeswitch_names_find(const struct freeswitch_names *names, struct slice name)
{
	unsigned at;

	if (name.n == names->contact.n && name.n > 0 &&
	    strncasecmp(name.p, names->contact.p, name.n) == 0)
		return FREESWITCH_contact;
	if (name.n < 4)
		return -1;
	for (at = freeswitch_hash(name); names->slot[at] != 0;
	     at = (at + 1) & 255) {
		int row = names->slot[at] - 1;
		const char *known = freeswitch_rows[row].name[names->naming];

		if (strncasecmp(known, name.p, name.n) == 0 &&
		    known[name.n] == '\0')
			return row;
	}
	return -1;
}

/* --- texts ---------------------------------------------------------------- */

char *
freeswitch_text_room(struct freeswitch_text *t, size_t n)
{
	BUG_ON(n > FREESWITCH_TEXT_MAX - t->n);
	return t->p + t->n;
}

static struct slice
freeswitch_text_end(struct freeswitch_text *t, const char *end)
{
	struct slice s = {t->p + t->n, (size_t)(end - (t->p + t->n))};

	t->n += s.n;
	return s;
}

static int
freeswitch_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
freeswitch_is_escape(const char *p, const char *end)
{
	return end - p >= 3 && *p == '%' && freeswitch_hex(p[1]) >= 0 &&
	    freeswitch_hex(p[2]) >= 0;
}

struct slice
freeswitch_url_decode(struct freeswitch_text *t, struct slice s)
{
	const char *p = s.p, *end = s.p + s.n;
	char *to;

	if (s.n == 0 || memchr(s.p, '%', s.n) == NULL)
		return s;
	to = freeswitch_text_room(t, s.n);
	while (p < end)
		if (freeswitch_is_escape(p, end)) {
			*to++ = (char)(freeswitch_hex(p[1]) << 4 |
			    freeswitch_hex(p[2]));
			p += 3;
		} else {
			*to++ = *p++;
		}
	return freeswitch_text_end(t, to);
}

static int
freeswitch_base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

struct slice
freeswitch_base64_decode(struct freeswitch_text *t, struct slice s)
{
	char *to = freeswitch_text_room(t, s.n);
	unsigned bits = 0, held = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		int digit = freeswitch_base64(s.p[i]);

		if (s.p[i] == '\n' || s.p[i] == '\r')
			continue;
		if (digit < 0)
			break;
		held = (held << 6 | (unsigned)digit) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*to++ = (char)(held >> bits);
		}
	}
	return freeswitch_text_end(t, to);
}

/* Four hexadecimal digits; -1: there are none. */
static int
freeswitch_hex4(const char *p, const char *end)
{
	int i, v = 0;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (freeswitch_hex(p[i]) < 0)
			return -1;
		v = v << 4 | freeswitch_hex(p[i]);
	}
	return v;
}

/* UTF-8 of a rune; a NUL and half a pair are no text. */
static char *
freeswitch_put_rune(char *to, uint32_t rune)
{
	if (rune == 0) {
		*to++ = ' ';
	} else if (rune < 0x80) {
		*to++ = (char)rune;
	} else if (rune < 0x800) {
		*to++ = (char)(0xc0 | rune >> 6);
		*to++ = (char)(0x80 | (rune & 0x3f));
	} else if (rune >= 0xd800 && rune < 0xe000) {
		*to++ = '?';
	} else if (rune < 0x10000) {
		*to++ = (char)(0xe0 | rune >> 12);
		*to++ = (char)(0x80 | (rune >> 6 & 0x3f));
		*to++ = (char)(0x80 | (rune & 0x3f));
	} else {
		*to++ = (char)(0xf0 | rune >> 18);
		*to++ = (char)(0x80 | (rune >> 12 & 0x3f));
		*to++ = (char)(0x80 | (rune >> 6 & 0x3f));
		*to++ = (char)(0x80 | (rune & 0x3f));
	}
	return to;
}

/* The rune of \uXXXX, which may be two of them; p stands behind the u. */
static const char *
freeswitch_json_rune(const char *p, const char *end, uint32_t *rune)
{
	int high = freeswitch_hex4(p, end), low;

	*rune = '?';
	if (high < 0)
		return p;
	*rune = (uint32_t)high;
	p += 4;
	if (high < 0xd800 || high > 0xdbff || end - p < 6 || p[0] != '\\' ||
	    p[1] != 'u')
		return p;
	low = freeswitch_hex4(p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return p;
	*rune = 0x10000 + ((uint32_t)(high - 0xd800) << 10) +
	    (uint32_t)(low - 0xdc00);
	return p + 6;
}

struct slice
freeswitch_json_decode(struct freeswitch_text *t, struct slice s)
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	const char *p = s.p, *end = s.p + s.n, *known;
	uint32_t rune;
	char *to;

	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
		return s;
	to = freeswitch_text_room(t, s.n);
	while (p < end) {
		if (*p != '\\' || p + 1 == end) {
			*to++ = *p++;
		} else if (p[1] == 'u') {
			p = freeswitch_json_rune(p + 2, end, &rune);
			to = freeswitch_put_rune(to, rune);
		} else {
			known = memchr(from, p[1], sizeof(from) - 1);
			*to++ = known != NULL ? into[known - from] : p[1];
			p += 2;
		}
	}
	return freeswitch_text_end(t, to);
}

/* --- records -------------------------------------------------------------- */

void
freeswitch_record_init(
    struct freeswitch_record *r, const struct freeswitch_names *names)
{
	*r = (struct freeswitch_record){.names = names};
	r->text.p = mem_alloc(FREESWITCH_TEXT_MAX);
	freeswitch_record_reset(r);
}

void
freeswitch_record_fini(struct freeswitch_record *r)
{
	free(r->text.p);
}

void
freeswitch_record_reset(struct freeswitch_record *r)
{
	int i;

	r->text.n = 0;
	r->plain = r->json = false;
	for (i = 0; i < FREESWITCH_FIELDS; i++)
		r->v[i] = (struct slice){"", 0};
}

void
freeswitch_take(
    struct freeswitch_record *r, struct slice name, struct slice value)
{
	int field = freeswitch_names_find(r->names, name);

	if (field >= 0 && r->v[field].n == 0)
		r->v[field] = value;
}

/*
 * Does it hold what switch_url_encode would have encoded? So many bytes only:
 * the times and addresses of any leg tell it.
 */
static bool
freeswitch_is_plain(struct slice s)
{
	/* no backslash: in JSON it may stand before anything */
	static const char unsafe[] = "\r\n \"#&+:;<=>?@[]^`{|}";
	size_t i, n = RT_MIN(s.n, (size_t)80);

	for (i = 0; i < n; i++)
		if (s.p[i] == '\0' || strchr(unsafe, s.p[i]) != NULL)
			return true;
	return false;
}

void
freeswitch_take_path(struct freeswitch_record *r, const struct slice *keys,
    unsigned levels, struct slice value)
{
	if (levels == 2 && slice_eq(keys[0], SLICE("variables"))) {
		r->plain = r->plain || freeswitch_is_plain(value);
		freeswitch_take(r, keys[1], value);
	} else if (levels == 3 && slice_eq(keys[0], SLICE("callflow")) &&
	    slice_eq(keys[1], SLICE("caller_profile")) &&
	    slice_eq(keys[2], SLICE("caller_id_number"))) {
		freeswitch_take(r, keys[2], value);
	}
}

void
freeswitch_decode(struct freeswitch_record *r)
{
	int i;

	for (i = 0; i < FREESWITCH_FIELDS; i++) {
		if (slice_eq(r->v[i], SLICE("_undef_")))
			r->v[i].n = 0;
		if (r->json)
			r->v[i] = freeswitch_json_decode(&r->text, r->v[i]);
		if (!r->plain)
			r->v[i] = freeswitch_url_decode(&r->text, r->v[i]);
	}
}

int64_t
freeswitch_number(const struct freeswitch_record *r, enum freeswitch_field f)
{
	int64_t v;

	return slice_uint(r->v[f], &v) ? v : -1;
}

int64_t
freeswitch_span_ms(int64_t from_s, int64_t to_s)
{
	if (from_s <= 0 || to_s <= 0 || from_s > FREESWITCH_EPOCH_MAX ||
	    to_s > FREESWITCH_EPOCH_MAX)
		return EVENT_UNKNOWN_MS;
	return to_s > from_s ? (to_s - from_s) * 1000 : 0;
}

void
freeswitch_event_init(
    struct event *ev, enum event_kind kind, int64_t time_us, struct slice name)
{
	struct slice none = {"", 0};

	ev->kind = kind;
	ev->outcome = OUTCOME_NONE;
	ev->flags = 0;
	ev->time_us = time_us;
	ev->name = name;
	ev->call = ev->queue = ev->agent = ev->caller = ev->text = none;
	ev->wait_ms = ev->ring_ms = EVENT_UNKNOWN_MS;
	ev->talk_ms = ev->session_ms = EVENT_UNKNOWN_MS;
	ev->begin_us = 0;
}

enum outcome
freeswitch_canceled(struct slice reason, unsigned *flags)
{
	if (slice_eq(reason, SLICE("TIMEOUT")))
		return OUTCOME_TIMED_OUT;
	if (slice_eq(reason, SLICE("NO_AGENT_TIMEOUT")))
		return OUTCOME_EXITED_EMPTY;
	if (slice_eq(reason, SLICE("EXIT_WITH_KEY")))
		return OUTCOME_EXITED_KEY;
	/*
	 * BREAK_OUT: the caller hung up, or something else took the channel
	 * away (a transfer by command); nothing tells which.
	 */
	if (!slice_eq(reason, SLICE("BREAK_OUT")))
		*flags |= EVENT_UNSURE;
	return OUTCOME_ABANDONED;
}

/* --- a leg that is over --------------------------------------------------- */

struct freeswitch_stay {
	int64_t joined, answered, terminated, canceled, end; /* seconds */
	int64_t end_us; /* of the leg; 0: not told */
};

/*
 * A caller who goes from queue to queue keeps the variables of the queue
 * before: times before the arrival are of another stay.
 */
static int64_t
freeswitch_since(
    const struct freeswitch_record *r, enum freeswitch_field f, int64_t joined)
{
	int64_t v = freeswitch_number(r, f);

	return v >= joined && v <= FREESWITCH_EPOCH_MAX ? v : -1;
}

static void
freeswitch_stay(const struct freeswitch_record *r, struct freeswitch_stay *s)
{
	int64_t us = freeswitch_number(r, FREESWITCH_end_uepoch);

	s->joined = freeswitch_number(r, FREESWITCH_cc_joined);
	s->answered = freeswitch_since(r, FREESWITCH_cc_answered, s->joined);
	s->terminated =
	    freeswitch_since(r, FREESWITCH_cc_terminated, s->joined);
	s->canceled = freeswitch_since(r, FREESWITCH_cc_canceled, s->joined);
	s->end = freeswitch_since(r, FREESWITCH_end_epoch, 1);
	if (us <= 0 || us / USEC_PER_SEC > FREESWITCH_EPOCH_MAX)
		us = s->end > 0 ? s->end * USEC_PER_SEC : 0;
	if (s->end <= 0 && us > 0)
		s->end = us / USEC_PER_SEC;
	s->end_us = us;
}

/* The caller hung up first: the leg's end is that of the conversation. */
static void
freeswitch_leg_answered(const struct freeswitch_record *r,
    const struct freeswitch_stay *s, struct event *ev)
{
	int64_t over = s->terminated > 0 ? s->terminated : s->end;

	ev->outcome = OUTCOME_ANSWERED;
	ev->wait_ms = freeswitch_span_ms(s->joined, s->answered);
	ev->talk_ms = freeswitch_span_ms(s->answered, over);
	if (slice_eq(r->v[FREESWITCH_cc_bridged], SLICE("false")) ||
	    s->answered <= 0)
		ev->flags |= EVENT_UNSURE;
	if (s->terminated > 0)
		ev->time_us = s->terminated * USEC_PER_SEC;
}

static void
freeswitch_leg_canceled(const struct freeswitch_record *r,
    const struct freeswitch_stay *s, struct event *ev)
{
	int64_t over = s->canceled > 0 ? s->canceled : s->end;

	ev->outcome =
	    freeswitch_canceled(r->v[FREESWITCH_cc_cancel_reason], &ev->flags);
	ev->wait_ms = freeswitch_span_ms(s->joined, over);
	if (ev->outcome == OUTCOME_EXITED_KEY)
		ev->text = r->v[FREESWITCH_cc_exit_key];
	if (s->canceled > 0)
		ev->time_us = s->canceled * USEC_PER_SEC;
}

static void
freeswitch_leg_summary(const struct freeswitch_record *r,
    const struct freeswitch_stay *s, struct event *ev)
{
	struct slice cause = r->v[FREESWITCH_cc_cause];

	ev->call = r->v[FREESWITCH_unique_id];
	ev->queue = r->v[FREESWITCH_cc_queue];
	ev->caller = r->v[FREESWITCH_caller];
	ev->begin_us = s->joined * USEC_PER_SEC;
	if (slice_eq(cause, SLICE("answered")) ||
	    (cause.n == 0 && s->answered > 0)) {
		ev->agent = r->v[FREESWITCH_cc_agent];
		freeswitch_leg_answered(r, s, ev);
	} else {
		/* no cause: it ended waiting, and nothing tells how */
		freeswitch_leg_canceled(r, s, ev);
	}
	if (ev->time_us < ev->begin_us)
		ev->time_us = ev->begin_us;
}

/* Agents' legs bear the queue as well; only callers' have an arrival. */
static bool
freeswitch_leg_waited(
    const struct freeswitch_record *r, const struct freeswitch_stay *s)
{
	struct slice side = r->v[FREESWITCH_cc_side];

	return r->v[FREESWITCH_cc_queue].n > 0 && s->joined > 0 &&
	    s->joined <= FREESWITCH_EPOCH_MAX &&
	    (side.n == 0 || slice_eq(side, SLICE("member")));
}

/*
 * An agent's page may set the code on the agent's leg: mod_callcenter notes
 * there whose call it is.
 */
static void
freeswitch_leg_contact(const struct freeswitch_record *r, int64_t time_us,
    bool waited, struct sink *sink)
{
	struct contact contact;
	struct event ev;

	if (r->v[FREESWITCH_contact].n == 0 || time_us <= 0)
		return;
	contact_clear(&contact);
	contact.code = r->v[FREESWITCH_contact];
	freeswitch_event_init(
	    &ev, EVENT_CONTACT, time_us, SLICE("contact_variable"));
	ev.contact = &contact;
	ev.call =
	    waited ? r->v[FREESWITCH_unique_id] : r->v[FREESWITCH_cc_session];
	ev.queue = r->v[FREESWITCH_cc_queue];
	ev.agent = r->v[FREESWITCH_cc_agent];
	if (ev.call.n > 0 || ev.agent.n > 0)
		sink->event(sink, &ev);
}

int
freeswitch_leg(const struct freeswitch_record *r, int64_t received_us,
    struct sink *sink, const char **why)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;
	struct freeswitch_stay stay;
	bool waited;
	int64_t time_us;

	freeswitch_stay(r, &stay);
	waited = freeswitch_leg_waited(r, &stay);
	time_us = stay.end_us > 0 ? stay.end_us : received_us;
	if (r->v[FREESWITCH_unique_id].n == 0) {
		*why = "a leg without its uuid";
		return -1;
	}
	if (time_us <= 0 && !waited) {
		*why = "neither a queue's variables nor a time";
		return -1;
	}
	freeswitch_event_init(ev, waited ? EVENT_SUMMARY : EVENT_NOTE, time_us,
	    waited ? SLICE("leg in a queue") : SLICE("leg without a queue"));
	if (slice_eq(r->v[FREESWITCH_cc_side], SLICE("agent")))
		ev->name = SLICE("leg of an agent");
	if (waited)
		freeswitch_leg_summary(r, &stay, ev);
	sink->event(sink, ev);
	freeswitch_leg_contact(r, time_us, waited, sink);
	return 0;
}
