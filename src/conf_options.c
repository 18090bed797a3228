/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/stat.h>

#include "base/hist.h"
#include "base/utc.h"
#include "conf.h"
#include "io/address.h"

#define CONF_ZONES    "/usr/share/zoneinfo"
#define CONF_NAME_MAX 64
/* What fits into a sockaddr_un, with what it is called until it is ready. */
#define CONF_SOCKET_MAX 103

static int
conf_check_timezone(const void *value, struct err *err)
{
	const char *zone = *(char *const *)value;
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", CONF_ZONES, zone);
	if (zone[0] == '\0' || zone[0] == '/' || strstr(zone, "..") != NULL ||
	    stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, "timezone \"%s\" is not a zone of %s", zone,
		    CONF_ZONES);
	return 0;
}

/* Intervals must fill each hour, or each day in whole hours. */
static int
conf_check_interval(const void *value, struct err *err)
{
	int64_t minutes = *(const int64_t *)value;

	if (60 % minutes == 0 || (minutes % 60 == 0 && 1440 % minutes == 0))
		return 0;
	return err_set(err,
	    "interval_minutes is %" PRId64 "; it must divide an hour, or be "
	    "whole hours that divide a day",
	    minutes);
}

static int
conf_check_thresholds(const void *value, struct err *err)
{
	const struct option_ints *ints = value;
	int i;

	for (i = 1; i < ints->n; i++)
		if (ints->v[i] <= ints->v[i - 1])
			return err_set(err,
			    "thresholds_s must rise: %" PRId64 " stands behind "
			    "%" PRId64,
			    ints->v[i], ints->v[i - 1]);
	return 0;
}

static int
conf_check_country(const void *value, struct err *err)
{
	const char *code = *(char *const *)value;
	size_t n = strlen(code);

	if (n > 3 || strspn(code, "123456789") < RT_MIN(n, (size_t)1) ||
	    strspn(code, "0123456789") != n)
		return err_set(err,
		    "country_code is \"%s\"; it must be one to three digits, "
		    "like \"44\", or empty",
		    code);
	return 0;
}

/* A relative path would be another one for whoever asks. */
static int
conf_check_control(const void *value, struct err *err)
{
	const char *path = *(char *const *)value;
	size_t n = strlen(path);

	if (path[0] == '/' && n <= CONF_SOCKET_MAX)
		return 0;
	return err_set(err,
	    "control is \"%s\"; it must be an absolute path of at most %d "
	    "bytes",
	    path, CONF_SOCKET_MAX);
}

static int
conf_check_listen(const void *value, struct err *err)
{
	struct address address;

	if (address_parse(&address, *(char *const *)value, err) < 0)
		return err_prefix(err, "listen");
	return 0;
}

static int
conf_check_date(const void *value, struct err *err)
{
	const char *date = *(char *const *)value;
	char stamp[32];
	int64_t us;

	snprintf(stamp, sizeof(stamp), "%.12sT00:00:00Z", date);
	/* a year 0 is none to PostgreSQL */
	if (strlen(date) == 10 && utc_parse(stamp, strlen(stamp), &us) &&
	    strncmp(date, "0000", 4) != 0)
		return 0;
	return err_set(err, "\"%s\" is no date such as \"2026-04-01\"", date);
}

const char *const conf_answers[] = {
    [CONF_NOT_TOLD] = "", [CONF_NO] = "no", [CONF_YES] = "yes", NULL};
static const char *const conf_kinds[] = {"channel", "service", NULL};

static const char *const conf_envelopes[] = {
    [ENVELOPE_NONE] = "none", [ENVELOPE_SYSLOG] = "syslog", NULL};

#define TOP(member)	 "", .offset = offsetof(struct conf, member)
#define DATABASE(member) "database", .offset = offsetof(struct conf, member)
#define LIVE(member)	 "live", .offset = offsetof(struct conf, member)
#define FEED(member)	 "feeds", .offset = offsetof(struct conf_feed, member)
#define SERVICE(member) \
	"services", .offset = offsetof(struct conf_service, member)
#define TARGET(member) \
	"services.target", .offset = offsetof(struct conf_target, member)
#define AGENT(member) "agents", .offset = offsetof(struct conf_agent, member)
#define CONTACTS(member) \
	"contacts", .offset = offsetof(struct conf, contacts.member)
#define CONTACT(list, member) \
	"contacts." list, .offset = offsetof(struct conf_contact, member)
#define CONTACT_TEXT(key, list, member)                              \
	key, CONTACT(list, member), .type = OPTION_TEXT, .max = 255, \
				    .unit = "", .on_reload = true
#define CONTACT_DATE(key, list, member)                              \
	key, CONTACT(list, member), .type = OPTION_TEXT, .unit = "", \
				    .check = conf_check_date,        \
				    .on_reload = true
/* What it means before, and from then on, others say. */
#define CONTACT_VALIDITY(list)                                                \
	{CONTACT_DATE("valid_from", list, valid_from),                        \
	    .help = "The first local day of which it is true; without it it " \
		    "is true of all days before, too."},                      \
	{                                                                     \
		CONTACT_DATE("valid_to", list, valid_to),                     \
		    .help = "The first day of which it is true no more."      \
	}

const struct option_row conf_options[] = {
    {"site", TOP(site), .type = OPTION_TEXT, .required = true,
	.max = CONF_NAME_MAX, .unit = "",
	.help = "The name of this site: the first part of every key in the "
		"database, so that many sites can share one."},
    {"timezone", TOP(timezone), .type = OPTION_TEXT, .preset = "Europe/London",
	.unit = "", .check = conf_check_timezone,
	.help = "The zone in which days, weeks, months and quarters begin. "
		"Stored times are UTC."},
    {"interval_minutes", TOP(interval_minutes), .type = OPTION_INT,
	.preset = "15", .min = 1, .max = 1440, .unit = "minutes",
	.check = conf_check_interval,
	.help = "Length of the intervals that are stored. It must divide an "
		"hour, or be whole hours that divide a day; and the site's "
		"distance from UTC, in summer and in winter, so that "
		"every day begins with one: 60 is the most in London, 30 "
		"in Kolkata. Intervals stored already keep the length that "
		"they were stored with, "
		"and so does what comes of the calls that arrived in them; "
		"but who of them rings again later is counted in an interval "
		"of the new length."},
    {"thresholds_s", TOP(thresholds_s), .type = OPTION_INTS, .preset = "15, 20",
	.min = 1, .max = HIST_SECONDS, .unit = "s",
	.check = conf_check_thresholds, .on_reload = true,
	.help = "Waits within which a call counts as answered in time, shown "
		"live, in rising order; within_s of each target is shown "
		"beside them. Any other whole number of seconds can be asked "
		"for in SQL, at any time after."},
    {"short_abandon_s", TOP(short_abandon_us), .type = OPTION_SECS,
	.preset = "5", .min = 0, .max = 600, .unit = "s",
	.help = "Callers who gave up after a wait no longer than this also "
		"count as abandoned_short."},
    {"lost_after_s", TOP(lost_after_us), .type = OPTION_SECS, .preset = "21600",
	.min = 60, .max = 31 * 86400, .unit = "s",
	.help = "A visit of which nothing was heard for so long, by the "
		"switch's own clock, is given up as lost."},
    {"merge_window_s", TOP(merge_window_us), .type = OPTION_SECS,
	.preset = "3600", .min = 600, .max = 31 * 86400, .unit = "s",
	.help = "Where several feeds tell of one switch: how much later than "
		"the others one of them may tell of a call, and correct it. "
		"So long ended visits are remembered, and the rows of those of "
		"which something is not known or not certain are not yet "
		"written, while a feed is behind; what comes later still is "
		"not counted where another feed was heard at that time."},
    {"max_queues", TOP(max_queues), .type = OPTION_INT, .preset = "10000",
	.min = 1, .max = 1000000, .unit = "queues",
	.help = "Queues of one switch that are told apart. Calls of further "
		"ones are booked under the queue \"other\", to their end, and "
		"counted as capped; a queue of that name shares its row."},
    {"max_agents", TOP(max_agents), .type = OPTION_INT, .preset = "10000",
	.min = 1, .max = 1000000, .unit = "agents",
	.help = "The same for agents."},
    {"max_open_visits", TOP(max_open_visits), .type = OPTION_INT,
	.preset = "1000000", .min = 100, .max = 100000000, .unit = "visits",
	.help = "Visits of one switch that are followed at the same time. "
		"Above that the oldest is given up as lost."},
    {"country_code", TOP(country_code), .type = OPTION_TEXT, .preset = "44",
	.unit = "", .check = conf_check_country,
	.help = "The country's calling code: it makes one caller of "
		"01142730000 and +441142730000. Empty: numbers are taken as "
		"they come."},
    {"spool_folder", TOP(spool_folder), .type = OPTION_TEXT,
	.preset = LOCALSTATEDIR "/lib/ringtally/spool", .unit = "",
	.help = "Where feeds that are pushed, and can not be asked again, keep "
		"what came in until its figures are committed: a folder for "
		"each of them."},
    {"caller_key_file", TOP(caller_key_file), .type = OPTION_TEXT,
	.preset = LOCALSTATEDIR "/lib/ringtally/caller.key", .unit = "",
	.help = "Where the key lies with which callers' numbers are hashed. "
		"The daemon makes it at its first start, readable for itself "
		"alone. Keep it: with another key every caller looks new. "
		"Empty: no callers are kept, not even hashed."},
    {"caller_key_old_file", TOP(caller_key_old_file), .type = OPTION_TEXT,
	.unit = "",
	.help = "Where the key before that one lies, for some days after a "
		"change of keys: callers are then known again under both. See "
		"CHANGING THE KEY."},

    {"conninfo", DATABASE(database.conninfo), .type = OPTION_TEXT,
	.preset = "service=ringtally", .unit = "",
	.help = "How to reach PostgreSQL: a connection string or URI of "
		"libpq. A password belongs in ~/.pgpass or a service file, "
		"not here. A pooler in between must keep a session for each "
		"client, as pool_mode = session of PgBouncer does."},
    {"flush_s", DATABASE(database.flush_us), .type = OPTION_SECS,
	.preset = "1.0", .min = 0.05, .max = 60, .unit = "s",
	.help = "The longest time from a change to its transaction."},
    {"keep_visits_days", DATABASE(database.keep_visits_days),
	.type = OPTION_INT, .preset = "400", .min = 0, .max = 36500,
	.unit = "days",
	.help = "How long single visits of the site are kept. The counts of "
		"intervals stay for ever. 0: single visits are not stored at "
		"all, and those stored before are deleted."},
    {"keep_keys_days", DATABASE(database.keep_keys_days), .type = OPTION_INT,
	.preset = "7", .min = 1, .max = 366, .unit = "days",
	.help = "How long records are known by their keys, of feeds whose "
		"senders may send one again: until then it is not counted "
		"twice."},
    {"pending_mb", DATABASE(database.pending_mb), .type = OPTION_INT,
	.preset = "64", .min = 1, .max = 65536, .unit = "MB",
	.help = "Memory for what waits for a database that is away. Above "
		"that, feeds are paused; nothing is lost, they go on from "
		"where they stood."},
    {"queue_live", DATABASE(database.queue_live), .type = OPTION_BOOL,
	.preset = "true", .unit = "",
	.help =
	    "Writes what each queue does now to ringtally.queue_live, about "
	    "once a second while something moves."},

    {"listen", LIVE(live.listen), .type = OPTION_TEXT, .unit = "",
	.check = conf_check_listen,
	.help = "Where the live pages are: 127.0.0.1:8085, [::1]:8085, *:8085, "
		"or unix:/run/ringtally/http for a proxy. An address that "
		"others can reach needs token_file. Without it there are "
		"none."},
    {"token_file", LIVE(live.token_file), .type = OPTION_TEXT, .unit = "",
	.help = "Tokens that open the figures, one a line, of 16 characters or "
		"more; the file must be closed to all but its owner and group. "
		"A request shows one as \"Authorization: Bearer TOKEN\", a "
		"browser as the cookie ringtally_token: the wallboard makes "
		"that of #token=TOKEN behind its address, once. "
		"They are read when the daemon starts and when it reloads."},
    {"hosts", LIVE(live.hosts), .type = OPTION_TEXTS, .max = 255, .unit = "",
	.on_reload = true,
	.help = "Names under which browsers may ask, besides localhost and "
		"addresses: a page from elsewhere must not read the figures "
		"by a name that it turned to us."},
    {"max_clients", LIVE(live.max_clients), .type = OPTION_INT,
	.preset = "1000", .min = 10, .max = 100000, .unit = "connections",
	.help = "Connections to the live pages at a time. Above that idle ones "
		"are closed."},
    {"max_post_kb", LIVE(live.max_post_kb), .type = OPTION_INT,
	.preset = "1024", .min = 4, .max = 16384, .unit = "KiB",
	.help = "Longest body of a POST to a feed with transport http. One "
		"record in it may still have 64 KiB at most."},
    {"stale_after_s", LIVE(live.stale_after_us), .type = OPTION_SECS,
	.preset = "0", .min = 0, .max = 86400, .unit = "s", .on_reload = true,
	.help = "A feed that was silent for so long is shown as stale. 0: not "
		"for silence alone, as at night nobody rings."},
    {"show_numbers", LIVE(live.show_numbers), .type = OPTION_BOOL,
	.preset = "false", .unit = "", .on_reload = true,
	.help = "Shows callers' numbers on the live pages, as far as they are "
		"known. They are personal data."},
    {"folder", LIVE(live.folder), .type = OPTION_TEXT,
	.preset = PKGDATADIR "/www", .unit = "",
	.help = "Where the wallboard's files lie. They are read when the "
		"daemon starts and when it reloads."},
    {"chart_js", LIVE(live.chart_js), .type = OPTION_TEXT, .preset = CHART_JS,
	.unit = "",
	.help = "Chart.js, with which the wallboard draws; Debian's package is "
		"libjs-chart.js."},
    {"control", LIVE(live.control), .type = OPTION_TEXT, .unit = "",
	.on_reload = true, .check = conf_check_control,
	.help = "Path of the control socket, which \"ringtally live\" and "
		"\"ringtally top\" ask. Its folder must be the daemon's to "
		"write in. Without it there is none."},
    {"control_group", LIVE(live.control_group), .type = OPTION_TEXT,
	.max = CONF_NAME_MAX, .unit = "", .on_reload = true,
	.help = "The group whose members may ask there, beside root and the "
		"daemon's own user. The daemon must be a member itself. By "
		"default it is the daemon's own group."},

    {"name", FEED(name), .type = OPTION_TEXT, .required = true,
	.max = CONF_NAME_MAX, .unit = "",
	.help = "The feed's own name, used once. The position is stored under "
		"it: a feed of another name starts anew."},
    {"switch", FEED(switch_name), .type = OPTION_TEXT, .required = true,
	.max = CONF_NAME_MAX, .unit = "",
	.help = "The switch whose calls it tells. Feeds of one switch "
		"describe the same calls, and nothing is counted twice."},
    {"transport", FEED(transport_name), .type = OPTION_TEXT, .required = true,
	.unit = "", .help = "How the bytes come in; see TRANSPORTS."},
    {"format", FEED(format_name), .type = OPTION_TEXT, .required = true,
	.unit = "", .help = "What they mean; see FORMATS."},
    {"timezone", FEED(timezone), .type = OPTION_TEXT, .unit = "",
	.check = conf_check_timezone,
	.help = "The zone of the local times that it tells, as of the switch "
		"that wrote them; where a format's times are UTC, it is of "
		"no meaning. By default it is the site's."},
    {"envelope", FEED(envelope), .type = OPTION_CHOICE, .preset = "none",
	.unit = "", .choices = conf_envelopes,
	.help = "What stands around each record: \"syslog\" takes off what "
		"syslog senders and relays write before a line, with any "
		"format of lines. What is no syslog frame is rejected."},

    {"name", SERVICE(name), .type = OPTION_TEXT, .required = true,
	.max = CONF_NAME_MAX, .unit = "", .on_reload = true,
	.help = "What the public asks for: Council Tax, Housing."},
    {"queues", SERVICE(queues), .type = OPTION_TEXTS, .required = true,
	.max = 256, .unit = "", .on_reload = true,
	.help = "The queues that serve it: names, or patterns with * ? [ ] "
		"as in a shell. A queue belongs to the first service that "
		"names it."},
    {"within_s", TARGET(within_s), .type = OPTION_INT, .required = true,
	.min = 1, .max = HIST_SECONDS, .unit = "s", .on_reload = true,
	.help = "The wait within which calls should be answered."},
    {"pct", TARGET(pct), .type = OPTION_REAL, .required = true, .min = 0,
	.max = 100, .unit = "%", .on_reload = true,
	.help = "The share of the offered calls that should be: green from "
		"here."},
    {"amber_pct", TARGET(amber_pct), .type = OPTION_REAL, .preset = "0",
	.min = 0, .max = 100, .unit = "%", .on_reload = true,
	.help = "Amber from here, red below. 0: no amber."},

    {"name", AGENT(name), .type = OPTION_TEXT, .required = true, .max = 256,
	.unit = "", .help = "The agent's name in all figures."},
    {"aliases", AGENT(aliases), .type = OPTION_TEXTS, .required = true,
	.max = 256, .unit = "",
	.help = "What else the switch calls this agent, such as the name of "
		"the interface: SIP/1234."},

    {"feed", CONTACTS(feed), .type = OPTION_TEXT, .max = CONF_NAME_MAX,
	.unit = "",
	.help = "The feed that gets what is posted to /api/v1/contacts: of "
		"transport \"http\", whose tokens open it, and of format "
		"\"ringtally-json\". Without it nobody may post there."},
    {"min_coverage_pct", CONTACTS(min_coverage_pct), .type = OPTION_REAL,
	.preset = "50", .min = 0, .max = 100, .unit = "%", .on_reload = true,
	.help = "The least share of contacts that must be assessed for NI 14 "
		"to be given at all; below it there is no figure, but why."},
    {"join_window_s", CONTACTS(join_window_us), .type = OPTION_SECS,
	.preset = "300", .min = 0, .max = 86400, .unit = "s", .on_reload = true,
	.help = "How long after a call a contact that the same agent entered "
		"may be that call."},
    {"keep_contacts_days", CONTACTS(keep_contacts_days), .type = OPTION_INT,
	.preset = "400", .min = 1, .max = 36500, .unit = "days",
	.on_reload = true,
	.help = "How long single contacts are kept. What was said of ended "
		"days stays."},

    {"repeat_days", CONTACTS(repeat_days), .type = OPTION_INT, .preset = "7",
	.min = 0, .max = 31, .unit = "days", .on_reload = true,
	.help = "Within how many days a caller who was answered and is "
		"answered again for the same service makes the first call a "
		"repeated one. No more than keep_visits_days, from which a "
		"restart knows callers again. 0: nobody is known again. "
		"Where it changes, the figures of the last days change with "
		"it; from or to 0 it changes with a restart only."},
    {"max_callers", CONTACTS(max_callers), .type = OPTION_INT,
	.preset = "20000000", .min = 1000, .max = 1000000000, .unit = "calls",
	.help = "Calls of known callers that are held in memory to find those "
		"who ring again: those of repeat_days and up to three days "
		"more. Each takes up to 64 bytes: 20 million, which is enough "
		"for 10 million callers in seven days of whom a third call "
		"twice, 1280 MB. Above that the oldest go, and are left out "
		"of caller_known."},
    {CONTACT_TEXT("category", "categories", category), .required = true,
	.help = "The category's own name, as contacts bear it."},
    {CONTACT_TEXT("label", "categories", label),
	.help = "What people read. By default it is the name."},
    {"avoidable", CONTACT("categories", answer), .type = OPTION_CHOICE,
	.choices = conf_answers, .preset = "", .unit = "", .on_reload = true,
	.help = "Whether contacts of it are avoidable; empty: they are not "
		"assessed."},
    CONTACT_VALIDITY("categories"),

    {CONTACT_TEXT("channel", "channels", channel), .required = true,
	.help = "The channel's own name, as contacts bear it."},
    {CONTACT_TEXT("label", "channels", label),
	.help = "What people read. By default it is the name."},
    CONTACT_VALIDITY("channels"),

    {CONTACT_TEXT("code", "codes", code), .required = true,
	.help = "The code, as a switch or a CRM system sends it."},
    {CONTACT_TEXT("category", "codes", category), .required = true,
	.help = "The category that it stands for."},
    {"resolved", CONTACT("codes", answer), .type = OPTION_CHOICE,
	.choices = conf_answers, .preset = "", .unit = "", .on_reload = true,
	.help = "Whether it also says that the matter was settled; empty: it "
		"says nothing of that."},
    {CONTACT_TEXT("service", "codes", service),
	.help = "The service that it speaks of, where the contact tells none."},
    CONTACT_VALIDITY("codes"),

    {"kind", CONTACT("scope", kind), .type = OPTION_CHOICE,
	.choices = conf_kinds, .required = true, .unit = "", .on_reload = true,
	.help = "Of what a row says that it counts. Where a day has rows of a "
		"kind, only these count."},
    {CONTACT_TEXT("name", "scope", name), .required = true,
	.help = "The channel or service."},
    CONTACT_VALIDITY("scope"),

    {CONTACT_TEXT("name", "exclusions", name), .required = true,
	.help = "What it is called, used once for each day."},
    {CONTACT_TEXT("channel", "exclusions", channel),
	.help = "Contacts of this channel alone; without it of any."},
    {CONTACT_TEXT("service", "exclusions", service),
	.help = "The same of a service."},
    {CONTACT_TEXT("category", "exclusions", category),
	.help = "The same of a category."},
    {CONTACT_TEXT("source", "exclusions", source),
	.help = "The same of what a feed brought, by its name, or what was "
		"imported: \"import\"."},
    {CONTACT_TEXT("why", "exclusions", why), .required = true,
	.help = "Why they do not count, for whoever looks at the evidence."},
    CONTACT_VALIDITY("exclusions"),

    {CONTACT_TEXT("name", "sampling", name), .required = true,
	.help = "What the period is called: the tally sheets name it."},
    {CONTACT_DATE("starts_on", "sampling", starts_on), .required = true,
	.help = "Its first local day."},
    {CONTACT_DATE("ends_on", "sampling", ends_on), .required = true,
	.help = "Its last day."},
    {CONTACT_TEXT("channel", "sampling", channel),
	.help = "Of this channel alone; without it of all."},
    {CONTACT_TEXT("service", "sampling", service),
	.help = "The same of a service."},
    {CONTACT_TEXT("why", "sampling", why), .help = "What it is for."},
    {.name = NULL},
};
