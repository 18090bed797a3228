/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: what is taken, and the exact words with which the rest
 * is refused. The stages here are the test's own, with an option of each type.
 */
#include "base/base.h"

#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/utc.h"
#include "conf.h"
#include "feed/transports.h"
#include "format/formats.h"

struct pipe_options {
	char *path;
	int64_t every_us;
	int from;
	bool follow;
	int64_t lines;
	double share;
	char **names;
	struct option_ints codes;
};

#define AT(member) "feeds", .offset = offsetof(struct pipe_options, member)

static const char *const ends[] = {"beginning", "end", NULL};

static const struct option_row pipe_rows[] = {
    {"path", AT(path), .type = OPTION_TEXT, .unit = "", .required = true},
    {"every_s", AT(every_us), .type = OPTION_SECS, .unit = "s", .preset = "0.5",
	.min = 0.1, .max = 10},
    {"from", AT(from), .type = OPTION_CHOICE, .unit = "", .choices = ends,
	.preset = "end"},
    {"follow", AT(follow), .type = OPTION_BOOL, .unit = "", .preset = "true"},
    {"lines", AT(lines), .type = OPTION_INT, .unit = "lines", .preset = "7",
	.min = 1, .max = 5000000000},
    {"share", AT(share), .type = OPTION_REAL, .unit = "", .min = 0, .max = 1},
    {"names", AT(names), .type = OPTION_TEXTS, .unit = "", .max = 8},
    {"codes", AT(codes), .type = OPTION_INTS, .unit = "", .min = 0, .max = 9,
	.preset = "1, 2"},
    {.name = NULL},
};

static const struct stage pipe_stage = {.name = "pipe",
    .kind = STAGE_TRANSPORT,
    .options = pipe_rows,
    .options_size = sizeof(struct pipe_options)};
static const struct stage plain_stage = {.name = "plain", .kind = STAGE_FORMAT};
static const struct stage spare_stage = {
    .name = "spare", .kind = STAGE_FORMAT, .framing = FRAMING_BLOCKS};

const struct stage *const transports[] = {&pipe_stage, NULL};
const struct stage *const formats[] = {&plain_stage, &spare_stage, NULL};

static const struct stage *
find(const struct stage *const *all, const char *name)
{
	for (; *all != NULL; all++)
		if (strcmp((*all)->name, name) == 0)
			return *all;
	return NULL;
}

const struct stage *
transport_find(const char *name)
{
	return find(transports, name);
}

const struct stage *
format_find(const char *name)
{
	return find(formats, name);
}

static char dir[] = "/tmp/test-conf-XXXXXX";

static int
setup(void **state RT_UNUSED)
{
	return mkdtemp(dir) == NULL || chdir(dir) < 0 ? -1 : 0;
}

static int
wipe(const char *path, const struct stat *st RT_UNUSED, int type RT_UNUSED,
    struct FTW *ftw)
{
	return ftw->level > 0 ? remove(path) : 0;
}

static int
clean(void **state RT_UNUSED)
{
	return nftw(dir, wipe, 8, FTW_DEPTH | FTW_PHYS);
}

static int
teardown(void **state)
{
	return clean(state) < 0 || chdir("/") < 0 ? -1 : rmdir(dir);
}

static void
put_bytes(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static struct conf *
load(void)
{
	struct err err = {""};
	struct conf *conf = conf_load("ringtally.conf", &err);

	if (conf == NULL)
		fail_msg("%s", err.text);
	assert_string_equal(err.text, "");
	return conf;
}

static void
refused(const char *wanted)
{
	struct err err = {""};

	assert_null(conf_load("ringtally.conf", &err));
	assert_string_equal(err.text, wanted);
}

#define FEED(more)                                               \
	"{ name = \"a\"; switch = \"s\"; transport = \"pipe\"; " \
	"format = \"plain\"; path = \"x\"; " more " }"
#define SITE		   "site = \"h\";\n"
#define IN_FEED(more)	   SITE "feeds = (" FEED(more) ");"
#define IN_CONTACTS_OF(in) "\ncontacts = { " in " };"
#define IN_CONTACTS(in)	   SITE IN_CONTACTS_OF(in)
#define IN_SERVICE(in)	   SITE "services = ( { name = \"S\"; " in " } );"

static const struct bad {
	const char *text;
	const char *wanted; /* without "ringtally.conf:" */
} bad[] = {
    /* syntax */
    {"site = \"h\";\nx", "2: syntax error"},
    {"site = ;", "1: syntax error"},
    {SITE "x = \"no end", "2: syntax error"},
    {SITE "site = \"h\";", "2: site is set already at ringtally.conf:1"},
    {SITE "timezone = \"site = x\"; site = \"h\";",
	"2: site is set already at ringtally.conf:1"},
    {SITE "live = { listen = \"a\"; control = \"b\"; listen = \"c\"; };",
	"2: listen is set already at ringtally.conf:2"},
    {SITE "feeds = ( { name = \"a\"; },\n{ name = \"b\";\n"
	  "switch = \"s\"; name : \"c\"; } );",
	"4: name is set already at ringtally.conf:3"},
    {SITE "database = { flush_s = 2.0; };\nflush_s = 1.0;\n"
	  "database = { flush_s = 3.0; };",
	"4: database is set already at ringtally.conf:2"},
    {SITE "\n@include \"other.conf\"\n",
	"3: @include is not for this file: put what you would include into "
	"conf.d/NAME.conf beside ringtally.conf"},
    {SITE "@include \"/tmp\"\n",
	"2: @include is not for this file: put what you would include into "
	"conf.d/NAME.conf beside ringtally.conf"},
    /* keys */
    {"", "1: site is missing"},
    {"# site = \"h\"\n", "1: site is missing"},
    {"# x\n/* no end", "1: site is missing"},
    {SITE "thresholds = [ 1 ];",
	"2: unknown key \"thresholds\" — did you mean \"thresholds_s\"?"},
    {SITE "\n\nsiet = 1;", "4: unknown key \"siet\" — did you mean \"site\"?"},
    {SITE "colour = 1;", "2: unknown key \"colour\""},
    {SITE "flush_s = 1;",
	"2: unknown key \"flush_s\" — it belongs in database"},
    {SITE "database = { flush = 1; };",
	"2: unknown key \"flush\" — did you mean \"flush_s\"?"},
    {SITE "databse = { };",
	"2: unknown key \"databse\" — did you mean \"database\"?"},
    {SITE "live = { site = \"x\"; };", "2: unknown key \"site\""},
    {IN_FEED("pat = 1;"), "2: unknown key \"pat\" — did you mean \"path\"?"},
    {SITE "feeds = (\n{ transprt = \"pipe\"; });",
	"3: unknown key \"transprt\" — did you mean \"transport\"?"},
    {IN_SERVICE("queue = [ \"q\" ];"),
	"2: unknown key \"queue\" — did you mean \"queues\"?"},
    {IN_SERVICE("queues = [ \"q\" ]; target = { withn_s = 1; };"),
	"2: unknown key \"withn_s\" — did you mean \"within_s\"?"},
    /* types */
    {"site = 1;", "1: site must be a text in quotes, not a number"},
    {"site = true;", "1: site must be a text in quotes, not true or false"},
    {"site = { };", "1: site must be a text in quotes, not a group"},
    {"site = [ \"h\" ];", "1: site must be a text in quotes, not a list"},
    {SITE "interval_minutes = 15.0;",
	"2: interval_minutes must be a whole number, not a fraction"},
    {SITE "interval_minutes = \"15\";",
	"2: interval_minutes must be a whole number, not a text"},
    {SITE "short_abandon_s = true;",
	"2: short_abandon_s must be a number of seconds, not true or false"},
    {SITE "short_abandon_s = \"5\";",
	"2: short_abandon_s must be a number of seconds, not a text"},
    {SITE "thresholds_s = 20;",
	"2: thresholds_s must be a list of whole numbers, like [ 15, 20 ], "
	"not a number"},
    {SITE "thresholds_s = [ \"20\" ];",
	"2: thresholds_s must be a list of whole numbers, like [ 15, 20 ], "
	"not a list of texts"},
    {SITE "thresholds_s = [ 1.5 ];",
	"2: thresholds_s must be a list of whole numbers, like [ 15, 20 ]"},
    {SITE "thresholds_s = ( 15, \"20\" );",
	"2: thresholds_s must be a list of whole numbers, like [ 15, 20 ]"},
    {SITE "thresholds_s = [ 15, \"20\" ];",
	"2: mismatched element type in array"},
    {SITE "database = 1;", "2: database must be a group: { ... }"},
    {SITE "feeds = { };", "2: feeds must be a list: ( { ... }, ... )"},
    {SITE "feeds = ( 1 );", "2: what is in feeds must be groups: { ... }"},
    {IN_FEED("follow = 1;"), "2: follow must be true or false, not a number"},
    {IN_FEED("follow = \"yes\";"),
	"2: follow must be true or false, not a text"},
    {IN_FEED("names = [ 1 ];"),
	"2: names must be a list of texts, like [ \"a\", \"b\" ], "
	"not a list of numbers"},
    {IN_FEED("names = \"n\";"),
	"2: names must be a list of texts, like [ \"a\", \"b\" ], not a text"},
    {IN_SERVICE("queues = [ \"q\" ]; target = 20;"),
	"2: target must be a group: { within_s = 20; pct = 85.0; }"},
    /* ranges */
    {SITE "interval_minutes = 0;",
	"2: interval_minutes is 0; it must be from 1 to 1440 minutes"},
    {SITE "interval_minutes = 7;",
	"2: interval_minutes is 7; it must divide an hour, or be whole hours "
	"that divide a day"},
    {SITE "interval_minutes = 90;",
	"2: interval_minutes is 90; it must divide an hour, or be whole hours "
	"that divide a day"},
    {SITE "interval_minutes = 300;",
	"2: interval_minutes is 300; it must divide an hour, or be whole "
	"hours that divide a day"},
    {SITE "interval_minutes = 120;",
	"2: interval_minutes is 120; days of Europe/London begin within such "
	"intervals, by its distance from UTC: 60 is the most"},
    {SITE "timezone = \"Asia/Kolkata\";\ninterval_minutes = 60;",
	"3: interval_minutes is 60; days of Asia/Kolkata begin within such "
	"intervals, by its distance from UTC: 30 is the most"},
    {SITE "interval_minutes = 20; timezone = \"Asia/Kathmandu\";",
	"2: interval_minutes is 20; days of Asia/Kathmandu begin within such "
	"intervals, by its distance from UTC: 15 is the most"},
    {SITE "interval_minutes = 60; timezone = \"Asia/Kabul\";",
	"2: interval_minutes is 60; days of Asia/Kabul begin within such "
	"intervals, by its distance from UTC: 30 is the most"},
    {SITE "database = {\n flush_s = 0; };",
	"3: flush_s is 0; it must be from 0.05 to 60 s"},
    {SITE "database = { flush_s = 1e999; };",
	"2: flush_s is inf; it must be from 0.05 to 60 s"},
    {SITE "short_abandon_s = -1;",
	"2: short_abandon_s is -1; it must be from 0 to 600 s"},
    {SITE "thresholds_s = [ 0 ];",
	"2: thresholds_s is 0; it must be from 1 to 7200 s"},
    {SITE "thresholds_s = [ 20, 15 ];",
	"2: thresholds_s must rise: 15 stands behind 20"},
    {SITE "thresholds_s = [ 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 ];",
	"2: thresholds_s has 17 values; 16 is the most"},
    {SITE "max_queues = 4294967297;", "2: a number that is too large"},
    {SITE "/* 99999999999\n */ # 99999999999\n// 99999999999\n"
	  "country_code = \"99999999999\\\" 1\"; max_agents = 0x80000000;",
	"5: a number that is too large"},
    {SITE "max_queues = 99999999999999999999L;",
	"2: a number that is too large"},
    {SITE "max_queues = 4294967297L;",
	"2: max_queues is 4294967297; it must be from 1 to 1000000 queues"},
    {IN_FEED("share = 1.01;"), "2: share is 1.01; it must be from 0 to 1"},
    {IN_FEED("from = \"middle\";"),
	"2: from is \"middle\"; it must be one of \"beginning\", \"end\""},
    /* names */
    {"site = \"\";", "1: site may not be empty"},
    {"site = \"a\\x01\";", "1: site has a control character (U+0001)"},
    {"site = \"a\nb\";", "1: site has a control character (U+000A)"},
    {"site = \"a\xe2\x80\xae\";", "1: site has a control character (U+202E)"},
    {"site = \"\xff\";", "1: site is not valid UTF-8"},
    {"site = \"0123456789012345678901234567890123456789012345678901234567890"
     "1234\";",
	"1: site is 65 bytes long; 64 is the most"},
    {SITE "timezone = \"Europe/Lodnon\";",
	"2: timezone \"Europe/Lodnon\" is not a zone of /usr/share/zoneinfo"},
    {SITE "timezone = \"Europe\";",
	"2: timezone \"Europe\" is not a zone of /usr/share/zoneinfo"},
    {SITE "timezone = \"\";",
	"2: timezone \"\" is not a zone of /usr/share/zoneinfo"},
    {SITE "timezone = \"../zoneinfo/UTC\";",
	"2: timezone \"../zoneinfo/UTC\" is not a zone of "
	"/usr/share/zoneinfo"},
    {IN_FEED("envelope = \"sysklog\";"),
	"2: envelope is \"sysklog\"; it must be one of \"none\", \"syslog\""},
    {SITE "feeds = ( { name = \"a\"; switch = \"s\"; transport = \"pipe\"; "
	  "path = \"x\"; format = \"spare\";\nenvelope = \"syslog\"; } );",
	"3: an envelope goes around lines, which the format \"spare\" does not "
	"have"},
    {SITE "country_code = \"+44\";",
	"2: country_code is \"+44\"; it must be one to three digits, like "
	"\"44\", or empty"},
    {SITE "country_code = \"0044\";",
	"2: country_code is \"0044\"; it must be one to three digits, like "
	"\"44\", or empty"},
    {SITE "country_code = \"044\";",
	"2: country_code is \"044\"; it must be one to three digits, like "
	"\"44\", or empty"},
    /* feeds */
    {SITE "feeds = (\n{ });", "3: name is missing"},
    {SITE "feeds = (\n{ name = \"a\"; switch = \"s\"; format = \"plain\"; });",
	"3: transport is missing"},
    {SITE "feeds = ( { name = \"a\"; switch = \"s\"; transport = \"pipe\";"
	  "\n format = \"plain\"; } );",
	"2: path is missing"},
    {SITE "feeds = ( { name = \"a\"; switch = \"s\"; transport = \"tube\";"
	  "\n format = \"plain\"; } );",
	"2: unknown transport \"tube\"; known: \"pipe\""},
    {SITE "feeds = ( { name = \"a\"; switch = \"s\"; transport = \"pipe\";"
	  "\n format = \"fancy\"; } );",
	"3: unknown format \"fancy\"; known: \"plain\", \"spare\""},
    {SITE "feeds = (" FEED("") ",\n" FEED("") ");",
	"3: a second feed \"a\"; the first stands at ringtally.conf:2"},
    {SITE "feeds = ( { name = \"b\"; switch = \"s\"; transport = \"pipe\"; "
	  "format = \"plain\"; path = \"x\"; },\n" FEED("") ");",
	"3: feed \"a\" reads x, the same file as feed \"b\" at "
	"ringtally.conf:2: its calls would count twice"},
    {IN_FEED("names = [ \"\" ];"), "2: names may not be empty"},
    {IN_FEED("names = [ \"123456789\" ];"),
	"2: names is 9 bytes long; 8 is the most"},
    /* services and agents */
    {IN_SERVICE("queues = [ ];"), "2: queues may not be empty"},
    {IN_SERVICE("queues = [ \"q\" ]; target = { pct = 5; };"),
	"2: within_s is missing"},
    {IN_SERVICE("queues = [ \"q\" ]; "
		"target = { within_s = 20; pct = 101; };"),
	"2: pct is 101; it must be from 0 to 100 %"},
    {IN_SERVICE("queues = [ \"q\" ]; "
		"target = { within_s = 20; pct = 80; amber_pct = 85; };"),
	"2: amber_pct is above pct: nothing could be amber"},
    {SITE "services = ( { name = \"S\"; queues = [ \"q\" ]; },\n"
	  "{ name = \"S\"; queues = [ \"r\" ]; } );",
	"3: a second service \"S\"; the first stands at ringtally.conf:2"},
    {SITE "agents = ( { name = \"Jo\"; aliases = [ \"SIP/1\" ]; },\n"
	  "{ name = \"Al\"; aliases = [ \"SIP/1\" ]; } );",
	"3: \"SIP/1\" is agent \"Jo\" already"},
    {SITE "agents = ( { name = \"Jo\"; aliases = [ \"SIP/1\" ]; },\n"
	  "{ name = \"SIP/1\"; aliases = [ \"x\" ]; } );",
	"3: \"SIP/1\" is agent \"Jo\" already"},
    /* contacts */
    {SITE "contacts = { code = 1; };",
	"2: unknown key \"code\" — did you mean \"codes\"?"},
    {SITE "codes = ( );", "2: unknown key \"codes\""},
    {SITE "contacts = { codes = { }; };",
	"2: codes must be a list: ( { ... }, ... )"},
    {IN_CONTACTS("codes = ( { code = \"PC\"; } );"), "3: category is missing"},
    {IN_CONTACTS("codes = ( { code = \"PC\"; label = \"x\"; } );"),
	"3: unknown key \"label\""},
    {IN_CONTACTS("codes = ( { code = \"\"; category = \"x\"; } );"),
	"3: code may not be empty"},
    {IN_CONTACTS("categories = ( { category = \"a\"; avoidable = true; } );"),
	"3: avoidable must be a text in quotes, not true or false"},
    {IN_CONTACTS("categories = ( { category = \"a\"; }, "
		 "{ category = \"a\"; avoidable = \"yes\"; } );"),
	"3: a second row \"a\" of the same day in categories"},
    {IN_CONTACTS("scope = ( { name = \"web\"; } );"), "3: kind is missing"},
    {IN_CONTACTS("scope = ( { kind = \"team\"; name = \"web\"; } );"),
	"3: kind is \"team\"; it must be one of \"channel\", \"service\""},
    {IN_CONTACTS("channels = ( { channel = \"fax\"; "
		 "valid_from = \"2026-02-29\"; } );"),
	"3: \"2026-02-29\" is no date such as \"2026-04-01\""},
    {IN_CONTACTS("channels = ( { channel = \"fax\"; "
		 "valid_from = \"2026-4-1\"; } );"),
	"3: \"2026-4-1\" is no date such as \"2026-04-01\""},
    {IN_CONTACTS("channels = ( { channel = \"fax\"; "
		 "valid_from = \"0000-01-01\"; } );"),
	"3: \"0000-01-01\" is no date such as \"2026-04-01\""},
    {IN_CONTACTS("channels = ( { channel = \"fax\"; valid_from = "
		 "\"2026-04-01\"; valid_to = \"2026-04-01\"; } );"),
	"3: valid_to is \"2026-04-01\": it would be true of no day"},
    {IN_CONTACTS("sampling = ( { name = \"spring\"; starts_on = "
		 "\"2026-05-02\"; ends_on = \"2026-05-01\"; } );"),
	"3: ends_on is \"2026-05-01\", before it starts"},
    {IN_CONTACTS("exclusions = ( { name = \"x\"; why = \"y\"; } );"),
	"3: exclusion \"x\" has neither a condition nor a day: no contact at "
	"all would count"},
    {IN_CONTACTS("categories = ( { category = \"not_assessed\"; "
		 "avoidable = \"yes\"; } );"),
	"3: what was not assessed is neither avoidable nor not: leave "
	"avoidable out"},
    {IN_CONTACTS("categories = ( { category = \"not_avoidable\"; "
		 "avoidable = \"yes\"; } );"),
	"3: \"not_avoidable\" can not be avoidable"},
    {IN_CONTACTS("min_coverage_pct = 101;"),
	"3: min_coverage_pct is 101; it must be from 0 to 100 %"},
    {IN_CONTACTS("feed = \"crm\";"), "3: there is no feed \"crm\""},
    {IN_FEED("") IN_CONTACTS_OF("feed = \"a\";"),
	"3: feed \"a\" is none that contacts can be posted to: its transport "
	"must be \"http\", its format \"ringtally-json\""},
};

static void
test_bad(void **state RT_UNUSED)
{
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++) {
		char wanted[512];

		put("ringtally.conf", bad[i].text);
		snprintf(
		    wanted, sizeof(wanted), "ringtally.conf:%s", bad[i].wanted);
		refused(wanted);
	}
}

static void
test_nul_byte(void **state RT_UNUSED)
{
	static const char text[] = "site = \"h\";\n\0feeds = 1;";

	put_bytes("ringtally.conf", text, sizeof(text) - 1);
	refused("ringtally.conf:2: a NUL byte");
}

static void
test_not_a_file(void **state RT_UNUSED)
{
	refused("ringtally.conf: No such file or directory");
	assert_int_equal(mkdir("ringtally.conf", 0755), 0);
	refused("ringtally.conf: is not a regular file");
	assert_int_equal(rmdir("ringtally.conf"), 0);
	assert_int_equal(mkfifo("ringtally.conf", 0644), 0);
	refused("ringtally.conf: is not a regular file");
}

static void
test_presets(void **state RT_UNUSED)
{
	struct conf *conf;

	put("ringtally.conf", SITE);
	conf = load();
	assert_string_equal(conf->site, "h");
	assert_string_equal(conf->timezone, "Europe/London");
	assert_int_equal(conf->interval_minutes, 15);
	assert_int_equal(conf->thresholds_s.n, 2);
	assert_int_equal(conf->thresholds_s.v[0], 15);
	assert_int_equal(conf->thresholds_s.v[1], 20);
	assert_int_equal(conf->short_abandon_us, 5 * USEC_PER_SEC);
	assert_int_equal(conf->lost_after_us, 21600 * USEC_PER_SEC);
	assert_int_equal(conf->max_queues, 10000);
	assert_int_equal(conf->max_agents, 10000);
	assert_int_equal(conf->max_open_visits, 1000000);
	assert_string_equal(conf->country_code, "44");
	assert_string_equal(
	    conf->caller_key_file, LOCALSTATEDIR "/lib/ringtally/caller.key");
	assert_string_equal(conf->database.conninfo, "service=ringtally");
	assert_int_equal(conf->database.flush_us, USEC_PER_SEC);
	assert_int_equal(conf->database.keep_visits_days, 400);
	assert_int_equal(conf->database.pending_mb, 64);
	assert_null(conf->live.listen);
	assert_null(conf->feeds);
	assert_null(conf->services);
	assert_null(conf->agents);
	assert_false(conf->contacts.there);
	assert_null(conf->contacts.feed);
	assert_true(conf->contacts.min_coverage_pct == 50);
	assert_int_equal(conf->contacts.join_window_us, 300 * USEC_PER_SEC);
	assert_int_equal(conf->contacts.keep_contacts_days, 400);
	conf_free(conf);
}

/* Its lists, from several files; what differs in them needs no restart. */
static void
test_contacts(void **state RT_UNUSED)
{
	struct conf *conf, *other;
	const struct conf_contact *row;

	assert_int_equal(mkdir("conf.d", 0777), 0);
	put("ringtally.conf",
	    SITE "contacts = { codes = ( { code = \"PC\"; "
		 "category = \"progress_chasing\"; resolved = \"no\"; "
		 "valid_from = \"2026-04-01\"; } ); };");
	put("conf.d/more.conf",
	    "contacts = { join_window_s = 60; codes = ( { code = \"PC\"; "
	    "category = \"x\"; } ); scope = ( { kind = \"service\"; "
	    "name = \"Housing\"; } ); };");
	conf = load();
	assert_true(conf->contacts.there);
	assert_int_equal(conf->contacts.join_window_us, 60 * USEC_PER_SEC);
	row = conf->contacts.lists[CONF_CODES];
	assert_string_equal(row->code, "PC");
	assert_string_equal(row->valid_from, "2026-04-01");
	assert_null(row->valid_to);
	assert_int_equal(row->answer, CONF_NO);
	row = row->next;
	assert_string_equal(row->category, "x");
	assert_null(row->valid_from);
	assert_int_equal(row->answer, CONF_NOT_TOLD);
	assert_null(row->next);
	assert_int_equal(conf->contacts.lists[CONF_SCOPE]->kind, 1);
	assert_null(conf->contacts.lists[CONF_CHANNELS]);
	put("conf.d/more.conf", "contacts = { };");
	other = load();
	assert_true(other->contacts.there);
	assert_null(conf_needs_restart(conf, other));
	conf_free(other);
	conf_free(conf);
}

/* Names that nothing is called: rows by SQL might be, so it goes on. */
static void
test_contacts_notes(void **state RT_UNUSED)
{
	static const char *const wanted[] = {
	    "ringtally.conf:4: there is no category \"progres_chasing\" here — "
	    "did you mean \"progress_chasing\"?",
	    "ringtally.conf:4: there is no service \"Zoo\" here",
	    "ringtally.conf:5: there is no service \"Housin\" here — did you "
	    "mean \"Housing\"?",
	    "ringtally.conf:6: there is no channel \"fax\" here",
	    "ringtally.conf:7: there is no channel \"e-mail\" here — did you "
	    "mean \"email\"?"};
	const struct conf_note *note;
	struct conf *conf;
	size_t i;

	put("ringtally.conf",
	    SITE "services = ( { name = \"Housing\"; queues = [ \"*\" ]; } );\n"
		 "contacts = { categories = ( { category = \"own\"; } ); "
		 "codes = ( { code = \"A\"; category = \"own\"; },\n"
		 "{ code = \"B\"; category = \"progres_chasing\"; service = "
		 "\"Zoo\"; } ); scope = ( { kind = \"channel\"; name = "
		 "\"kiosk\"; },\n"
		 "{ kind = \"service\"; name = \"Housin\"; } ); exclusions = ( "
		 "{ name = \"week\"; why = \"flood\"; valid_from = "
		 "\"2026-04-01\"; },\n"
		 "{ name = \"x\"; why = \"y\"; channel = \"fax\"; } ); "
		 "sampling = (\n"
		 "{ name = \"s\"; starts_on = \"2026-05-01\"; ends_on = "
		 "\"2026-05-02\"; channel = \"e-mail\"; } ); };");
	conf = load();
	note = conf->notes;
	for (i = 0; i < RT_COUNT(wanted); i++, note = note->next) {
		assert_non_null(note);
		assert_string_equal(note->text, wanted[i]);
	}
	assert_null(note);
	conf_free(conf);
}

/* A queue is of one service; what two name exactly is hardly meant so. */
static void
test_queue_of_two_services(void **state RT_UNUSED)
{
	struct conf *conf;

	put("ringtally.conf",
	    SITE "services = ( { name = \"A\"; queues = [ \"a*\", \"x\" ]; },\n"
		 "{ name = \"B\"; queues = [ \"b\", \"x\", \"*\" ]; } );\n"
		 "database = {\n conninfo = \"dbname=x\"; };");
	conf = load();
	assert_non_null(conf->notes);
	assert_string_equal(conf->notes->text,
	    "ringtally.conf:3: the queue \"x\" is of the service \"A\" at "
	    "ringtally.conf:2, which comes first, and not of \"B\"");
	assert_null(conf->notes->next);
	assert_string_equal(conf_service_of(conf, "x"), "A");
	assert_string_equal(conf->conninfo_at, "ringtally.conf:5");
	assert_string_equal(conf->listen_at, "ringtally.conf");
	conf_free(conf);
}

static void
test_all_types(void **state RT_UNUSED)
{
	const struct pipe_options *o;
	struct conf *conf;

	put("ringtally.conf",
	    SITE
	    "caller_key_file = \"\"; short_abandon_s = 2.5;\n"
	    "interval_minutes = 0x3c; # an hour\r\n"
	    "feeds = (\n" FEED(
		"envelope = \"syslog\"; every_s = 2; from = \"beginning\"; "
		"follow = false; lines = 4294967297L; "
		"share = 1; names = [ \"x\", \"y\" ]; "
		"codes = ( 3 );") ");");
	conf = load();
	assert_null(conf->caller_key_file);
	assert_int_equal(conf->short_abandon_us, 2500000);
	assert_int_equal(conf->interval_minutes, 60);
	assert_non_null(conf->feeds);
	assert_null(conf->feeds->next);
	assert_string_equal(conf->feeds->name, "a");
	assert_string_equal(conf->feeds->switch_name, "s");
	assert_string_equal(conf->feeds->where, "ringtally.conf:5");
	assert_ptr_equal(conf->feeds->transport, &pipe_stage);
	assert_ptr_equal(conf->feeds->format, &plain_stage);
	assert_null(conf->feeds->format_options);
	assert_int_equal(conf->feeds->envelope, ENVELOPE_SYSLOG);
	o = conf->feeds->transport_options;
	assert_string_equal(o->path, "x");
	assert_int_equal(o->every_us, 2 * USEC_PER_SEC);
	assert_int_equal(o->from, 0);
	assert_false(o->follow);
	assert_int_equal(o->lines, INT64_C(4294967297));
	assert_true(o->share == 1.0);
	assert_string_equal(o->names[0], "x");
	assert_string_equal(o->names[1], "y");
	assert_null(o->names[2]);
	assert_int_equal(o->codes.n, 1);
	assert_int_equal(o->codes.v[0], 3);
	conf_free(conf);
}

static void
test_stage_presets(void **state RT_UNUSED)
{
	const struct pipe_options *o;
	struct conf *conf;

	put("ringtally.conf", IN_FEED(""));
	conf = load();
	o = conf->feeds->transport_options;
	assert_int_equal(o->every_us, USEC_PER_SEC / 2);
	assert_int_equal(o->from, 1);
	assert_true(o->follow);
	assert_int_equal(o->lines, 7);
	assert_true(o->share == 0);
	assert_null(o->names);
	assert_int_equal(o->codes.n, 2);
	assert_int_equal(o->codes.v[1], 2);
	conf_free(conf);
}

/* Options of one group from several files; lists one after the other. */
static void
test_merge(void **state RT_UNUSED)
{
	struct conf *conf;

	assert_int_equal(mkdir("conf.d", 0755), 0);
	put("ringtally.conf",
	    SITE "database = { flush_s = 2.0; };\n"
		 "services = ( { name = \"A\"; queues = [ \"a*\" ]; } );");
	put("conf.d/20-b.conf",
	    "services = ( { name = \"C\"; "
	    "queues = [ \"a1\", \"c\" ]; } );");
	put("conf.d/10-a.conf",
	    "database = { pending_mb = 5; };\n"
	    "services = ( { name = \"B\"; queues = [ \"[bc]\" ]; } );");
	put("conf.d/.hidden.conf", "nonsense");
	put("conf.d/30-c.conf.bak", "nonsense");
	put("conf.d/40-empty.conf", "");
	put("conf.d/50-comments.conf", "# site\n/* x\n */ // y");
	conf = load();
	assert_int_equal(conf->database.flush_us, 2 * USEC_PER_SEC);
	assert_int_equal(conf->database.pending_mb, 5);
	assert_string_equal(conf->services->name, "A");
	assert_string_equal(conf->services->next->name, "B");
	assert_string_equal(conf->services->next->next->name, "C");
	assert_string_equal(conf_service_of(conf, "a1"), "A");
	assert_string_equal(conf_service_of(conf, "c"), "B");
	assert_null(conf_service_of(conf, "d"));
	conf_free(conf);
}

static void
test_merge_clashes(void **state RT_UNUSED)
{
	assert_int_equal(mkdir("conf.d", 0755), 0);
	put("ringtally.conf", SITE "\ndatabase = { flush_s = 2.0; };");
	put("conf.d/a.conf", "\n\nsite = \"i\";");
	refused("conf.d/a.conf:3: site is set already at ringtally.conf:1");
	put("conf.d/a.conf", "database = {\n flush_s = 2.0; };");
	refused("conf.d/a.conf:2: flush_s is set already at ringtally.conf:3");
	put("conf.d/a.conf", "timezone = \"UTC\";");
	put("conf.d/b.conf", "timezone = \"UTC\";");
	refused("conf.d/b.conf:1: timezone is set already at conf.d/a.conf:1");
	put("conf.d/b.conf", "tiemzone = \"UTC\";");
	refused("conf.d/b.conf:1: unknown key \"tiemzone\" — did you mean "
		"\"timezone\"?");
	put("conf.d/b.conf", "\n(");
	refused("conf.d/b.conf:2: syntax error");
	assert_int_equal(remove("conf.d/b.conf"), 0);
	assert_int_equal(mkdir("conf.d/b.conf", 0755), 0);
	refused("conf.d/b.conf: is not a regular file");
}

/* The same file under another name: refused at -t, not counted twice. */
static void
test_same_file(void **state RT_UNUSED)
{
	static const char *const names[] = {"hard", "soft", "./x"};
	char text[512], wanted[512];
	size_t i;

	put("x", "");
	assert_int_equal(link("x", "hard"), 0);
	assert_int_equal(symlink("x", "soft"), 0);
	for (i = 0; i < RT_COUNT(names); i++) {
		snprintf(text, sizeof(text),
		    SITE "feeds = (" FEED("") ",\n{ name = \"b\"; "
					      "switch = \"s\"; "
					      "transport = \"pipe\"; "
					      "format = \"plain\"; "
					      "path = \"%s\"; } );",
		    names[i]);
		put("ringtally.conf", text);
		snprintf(wanted, sizeof(wanted),
		    "ringtally.conf:3: feed \"b\" reads %s, the same file as "
		    "feed \"a\" at ringtally.conf:2: its calls would count "
		    "twice",
		    names[i]);
		refused(wanted);
	}
}

/* old and new text, and which option it is that needs a restart */
static const struct change {
	const char *old, *new_, *wanted;
} changes[] = {
    {SITE, SITE, NULL},
    {SITE, "site = \"i\";", "site"},
    {SITE, SITE "caller_key_file = \"\";", "caller_key_file"},
    {SITE, SITE "thresholds_s = [ 30 ];", NULL},
    {SITE, SITE "database = { flush_s = 1; };", NULL},
    {SITE, SITE "database = { flush_s = 1.5; };", "flush_s"},
    {SITE, IN_SERVICE("queues = [ \"q\" ];"), NULL},
    {SITE, IN_FEED(""), "feeds"},
    {IN_FEED(""), IN_FEED(""), NULL},
    {IN_FEED(""), IN_FEED("every_s = 0.5;"), NULL},
    {IN_FEED(""), IN_FEED("every_s = 0.6;"), "feeds"},
    {IN_FEED(""), IN_FEED("follow = false;"), "feeds"},
    {IN_FEED(""), IN_FEED("from = \"beginning\";"), "feeds"},
    {IN_FEED(""), IN_FEED("share = 0.5;"), "feeds"},
    {IN_FEED(""), IN_FEED("codes = [ 1 ];"), "feeds"},
    {IN_FEED("names = [ \"a\" ];"), IN_FEED("names = [ \"a\" ];"), NULL},
    {IN_FEED("names = [ \"a\" ];"), IN_FEED("names = [ \"a\", \"b\" ];"),
	"feeds"},
    {SITE, SITE "agents = ( { name = \"Jo\"; aliases = [ \"1\" ]; } );",
	"agents"},
};

static void
test_needs_restart(void **state RT_UNUSED)
{
	size_t i;

	for (i = 0; i < RT_COUNT(changes); i++) {
		struct conf *a, *b;
		const char *name;

		put("ringtally.conf", changes[i].old);
		a = load();
		put("ringtally.conf", changes[i].new_);
		b = load();
		name = conf_needs_restart(a, b);
		if (changes[i].wanted == NULL)
			assert_null(name);
		else
			assert_string_equal(name, changes[i].wanted);
		conf_free(a);
		conf_free(b);
	}
}

static void
test_thresholds(void **state RT_UNUSED)
{
	static const char services[] =
	    "services = ("
	    "{ name = \"A\"; queues = [ \"a\" ];"
	    "  target = { within_s = 20; pct = 85; }; },"
	    "{ name = \"B\"; queues = [ \"b\" ]; },"
	    "{ name = \"C\"; queues = [ \"c\" ];"
	    "  target = { within_s = 60; pct = 85; }; },"
	    "{ name = \"D\"; queues = [ \"d\" ];"
	    "  target = { within_s = 17; pct = 85; }; } );\n";
	static const int64_t wanted[] = {15, 17, 20, 60};
	struct option_ints all;
	struct conf *conf;
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", SITE, services);
	put("ringtally.conf", text);
	conf = load();
	conf_thresholds(conf, &all);
	assert_int_equal(conf->thresholds_s.n, 2);
	assert_int_equal(all.n, RT_COUNT(wanted));
	assert_memory_equal(all.v, wanted, sizeof(wanted));
	conf_free(conf);

	/* where there is no more room they are left out */
	snprintf(text, sizeof(text),
	    "%sthresholds_s = [ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, "
	    "15 ];\n%s",
	    SITE, services);
	put("ringtally.conf", text);
	conf = load();
	conf_thresholds(conf, &all);
	assert_int_equal(all.n, OPTION_INTS_MAX);
	assert_int_equal(all.v[15], 20);
	conf_free(conf);
}

/* Every row's default passes the row's own checks, or this is a BUG(). */
static void
test_rows(void **state RT_UNUSED)
{
	const struct option_row *row;

	for (row = conf_options; row->name != NULL; row++) {
		assert_non_null(row->group);
		assert_non_null(row->unit);
		assert_non_null(row->help);
		assert_false(row->required && row->preset != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_bad, clean),
	    cmocka_unit_test_teardown(test_nul_byte, clean),
	    cmocka_unit_test_teardown(test_not_a_file, clean),
	    cmocka_unit_test_teardown(test_presets, clean),
	    cmocka_unit_test_teardown(test_contacts, clean),
	    cmocka_unit_test_teardown(test_contacts_notes, clean),
	    cmocka_unit_test_teardown(test_queue_of_two_services, clean),
	    cmocka_unit_test_teardown(test_all_types, clean),
	    cmocka_unit_test_teardown(test_stage_presets, clean),
	    cmocka_unit_test_teardown(test_merge, clean),
	    cmocka_unit_test_teardown(test_merge_clashes, clean),
	    cmocka_unit_test_teardown(test_same_file, clean),
	    cmocka_unit_test_teardown(test_needs_restart, clean),
	    cmocka_unit_test_teardown(test_thresholds, clean),
	    cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
