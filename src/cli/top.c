/* SPDX-License-Identifier: BSD-2-Clause */
/* ringtally top: the queues of this second on the whole screen. */
#include "base/base.h"

#include <curses.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <wchar.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/text.h"
#include "cli/top.h"

#define TOP_ESCAPE	 27
#define TOP_CONTROL(key) ((key)&0x1f)
#define TOP_FILTER_MAX	 200 /* bytes */
/* Between two drawings without news: ages go on. */
#define TOP_DRAW_US (USEC_PER_SEC)

/* What each page needs; the sums above it come from the first of these. */
static const unsigned top_wants[TOP_PAGES] = {
    [TOP_QUEUES] = 1u << TOP_DOC_ALL,
    [TOP_SERVICES] = 1u << TOP_DOC_ALL,
    [TOP_FEEDS] = 1u << TOP_DOC_ALL | 1u << TOP_DOC_FEEDS,
    [TOP_QUEUE] =
	1u << TOP_DOC_QUEUE | 1u << TOP_DOC_CALLS | 1u << TOP_DOC_AGENTS,
};

struct top_list *
top_list_of(struct top *top)
{
	return top->page < TOP_LISTS ? &top->lists[top->page] : NULL;
}

const json_t *
top_head(const struct top *top)
{
	enum top_page page = top->page == TOP_HELP ? top->back : top->page;

	return top_data_doc(
	    &top->data, page == TOP_QUEUE ? TOP_DOC_QUEUE : TOP_DOC_ALL);
}

/* --- what the documents hold, brought to the pages ------------------------ */

static void
top_fill_list(struct top *top, enum top_page page)
{
	static const struct {
		enum top_doc doc;
		const char *items;
	} of[TOP_LISTS] = {
	    [TOP_QUEUES] = {TOP_DOC_ALL, "queues"},
	    [TOP_SERVICES] = {TOP_DOC_ALL, "services"},
	    [TOP_FEEDS] = {TOP_DOC_FEEDS, "feeds"},
	};
	struct top_list *list = &top->lists[page];
	const json_t *doc = top_data_doc(&top->data, of[page].doc);
	const json_t *items = json_object_get(doc, of[page].items);
	const json_t *sample = json_object_get(doc, "total");

	if (page == TOP_QUEUES)
		columns_of_queues(&list->columns, sample);
	else if (page == TOP_SERVICES)
		columns_of_services(&list->columns, sample);
	else
		columns_of_feeds(&list->columns);
	top_list_fill(list, items);
}

/*
 * The page that is shown. The others' rows would point into documents that are
 * gone, so they are empty until they are shown.
 */
static void
top_fill(struct top *top)
{
	size_t i;

	for (i = 0; i < TOP_LISTS; i++)
		if (i != (size_t)top->page)
			top_list_empty(&top->lists[i]);
	if (top->page < TOP_LISTS)
		top_fill_list(top, top->page);
	else if (top->page == TOP_QUEUE)
		top_lines_queue(&top->lines, top->queue,
		    top_data_doc(&top->data, TOP_DOC_QUEUE),
		    top_data_doc(&top->data, TOP_DOC_CALLS),
		    top_data_doc(&top->data, TOP_DOC_AGENTS));
	else
		top_lines_help(&top->lines);
}

static void
top_go(struct top *top, enum top_page page)
{
	if (page == top->page)
		return;
	if (page == TOP_HELP)
		top->back = top->page;
	top->page = page;
	top->line = 0;
	top->typing = false;
	/* help leaves all as it is behind it */
	if (page != TOP_HELP)
		top_data_want(&top->data, top_wants[page]);
	top_fill(top);
}

static void
top_go_back(struct top *top)
{
	top_go(top, top->page == TOP_HELP ? top->back : TOP_QUEUES);
}

/* --- keys ---------------------------------------------------------------- */

static void
top_open_queue(struct top *top, const json_t *item)
{
	const char *queue = json_string_value(json_object_get(item, "queue"));
	const char *sw = json_string_value(json_object_get(item, "switch"));

	if (queue == NULL || sw == NULL)
		return;
	free(top->queue);
	top->queue = mem_strdup(queue);
	top_data_choose(&top->data, sw, queue);
	top_go(top, TOP_QUEUE);
}

/* The queues that have this service's name, as if it had been typed. */
static void
top_open_service(struct top *top, const json_t *item)
{
	struct strbuf *filter = &top->lists[TOP_QUEUES].filter;
	const char *name = json_string_value(json_object_get(item, "service"));

	strbuf_reset(filter);
	strbuf_adds(filter, name != NULL ? name : "");
	top_go(top, TOP_QUEUES);
}

static void
top_open(struct top *top)
{
	const json_t *item;

	if (top->page >= TOP_LISTS)
		return;
	item = top_list_chosen(top_list_of(top));
	if (item != NULL && top->page == TOP_QUEUES)
		top_open_queue(top, item);
	else if (item != NULL && top->page == TOP_SERVICES)
		top_open_service(top, item);
}

static void
top_move(struct top *top, long by)
{
	long to = (long)top->line + by;

	if (top->page < TOP_LISTS) {
		top_list_move(top_list_of(top), by, top_draw_height(top));
		return;
	}
	to = RT_MIN(to, (long)top->lines.n); /* top_draw holds it lower */
	top->line = (size_t)RT_MAX(to, 0L);
}

static void
top_sort(struct top *top, int step)
{
	struct top_list *list = top_list_of(top);

	if (list == NULL)
		return;
	if (step == 0)
		list->down = !list->down;
	else
		top_list_sort_by(list, step);
	top_fill(top);
}

/* Without the last character, however many bytes that has. */
static void
top_filter_shorten(struct strbuf *filter)
{
	while (filter->n > 0 && (filter->p[filter->n - 1] & 0xc0) == 0x80)
		filter->n--;
	if (filter->n > 0)
		filter->n--;
	if (filter->p != NULL)
		filter->p[filter->n] = '\0';
}

static void
top_filter_add(struct strbuf *filter, wint_t key)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = {0};
	size_t n = wcrtomb(bytes, (wchar_t)key, &state);

	if (n != (size_t)-1 && filter->n + n <= TOP_FILTER_MAX)
		strbuf_add(filter, bytes, n);
}

/* False: the key means the same as when nothing is typed. */
static bool
top_key_typed(struct top *top, bool special, wint_t key)
{
	struct strbuf *filter = &top_list_of(top)->filter;

	if ((special && key == KEY_BACKSPACE) ||
	    (!special && (key == 127 || key == '\b'))) {
		top_filter_shorten(filter);
	} else if ((special && key == KEY_ENTER) ||
	    (!special && (key == '\r' || key == '\n'))) {
		top->typing = false;
	} else if (!special && key == TOP_ESCAPE) {
		top->typing = false;
		strbuf_reset(filter);
	} else if (!special && key >= ' ') {
		top_filter_add(filter, key);
	} else {
		return false;
	}
	top_fill(top);
	return true;
}

static void
top_type(struct top *top)
{
	top->typing = top->page < TOP_LISTS;
}

/* Keys that have no character. */
static void
top_key_special(struct top *top, wint_t key)
{
	long height = (long)top_draw_height(top);

	switch (key) {
	case KEY_UP:
		top_move(top, -1);
		break;
	case KEY_DOWN:
		top_move(top, 1);
		break;
	case KEY_PPAGE:
		top_move(top, -height);
		break;
	case KEY_NPAGE:
		top_move(top, height);
		break;
	case KEY_HOME:
		top_move(top, -(LONG_MAX / 4));
		break;
	case KEY_END:
		top_move(top, LONG_MAX / 4);
		break;
	case KEY_LEFT:
		top_sort(top, -1);
		break;
	case KEY_RIGHT:
		top_sort(top, 1);
		break;
	case KEY_ENTER:
		top_open(top);
		break;
	case KEY_BACKSPACE:
		top_go_back(top);
		break;
	case KEY_F(1):
		top_go(top, TOP_HELP);
		break;
	default:
		break;
	}
}

static void
top_key_plain(struct top *top, wint_t key)
{
	switch (key) {
	case 'q':
		top->quit = true;
		break;
	case '?':
	case 'h':
		top_go(top, TOP_HELP);
		break;
	case 'u':
		top_go(top, TOP_QUEUES);
		break;
	case 's':
		top_go(top, TOP_SERVICES);
		break;
	case 'f':
		top_go(top, TOP_FEEDS);
		break;
	case '/':
		top_type(top);
		break;
	case 'r':
		top_sort(top, 0);
		break;
	case '<':
		top_sort(top, -1);
		break;
	case '>':
		top_sort(top, 1);
		break;
	case '\r':
	case '\n':
		top_open(top);
		break;
	case TOP_ESCAPE:
	case 127:
	case '\b':
		top_go_back(top);
		break;
	case TOP_CONTROL('l'):
		clearok(curscr, TRUE);
		break;
	default:
		break;
	}
}

/* All that was typed so far. A new size of the terminal comes as a key, too. */
static void
top_keys(struct top *top)
{
	bool special;
	wint_t key;
	int rc;

	while (!top->quit && (rc = get_wch(&key)) != ERR) {
		special = rc == KEY_CODE_YES;
		if (special && key == KEY_RESIZE)
			clear();
		else if (top->typing && top_key_typed(top, special, key))
			continue;
		else if (special)
			top_key_special(top, key);
		else if (!top->typing)
			top_key_plain(top, key);
	}
}

/* --- waiting ------------------------------------------------------------- */

/* Signals end it as q does, so that the terminal is left in order. */
static int
top_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
top_wait(struct top *top, int signals, int64_t wait_us)
{
	const struct client *client = top->data.client;
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = signals, .events = POLLIN},
	    {.fd = client_is_open(client) ? client_fd(client) : -1,
		.events = client_events(client)}};

	/* a change of the terminal's size interrupts it */
	if (poll(fds, RT_COUNT(fds), (int)(wait_us / USEC_PER_MSEC) + 1) < 0)
		return;
	if (fds[1].revents != 0 || (fds[0].revents & (POLLHUP | POLLERR)) != 0)
		top->quit = true;
}

static void
top_loop(struct top *top, int signals)
{
	uint64_t changes = UINT64_MAX;
	int64_t wait_us;

	while (!top->quit) {
		wait_us = top_data_run(&top->data);
		if (changes != top->data.changes)
			top_fill(top);
		changes = top->data.changes;
		top_draw(top);
		top_wait(top, signals, RT_MIN(wait_us, TOP_DRAW_US));
		top_keys(top);
	}
}

/* --- the command --------------------------------------------------------- */

static int
top_open_terminal(SCREEN **screen)
{
	text_start();
	*screen = newterm(NULL, stdout, stdin);
	if (*screen == NULL) {
		fprintf(stderr,
		    "ringtally top: this terminal (TERM=%s) is not known\n",
		    getenv("TERM") != NULL ? getenv("TERM") : "");
		return EXIT_FAILED;
	}
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	set_escdelay(50);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	top_draw_start();
	return EXIT_DONE;
}

static int
top_run(struct top *top)
{
	int signals = top_signals(), code;
	SCREEN *screen;

	code = top_open_terminal(&screen);
	if (code == EXIT_DONE) {
		top_data_want(&top->data, top_wants[top->page]);
		top_loop(top, signals);
		endwin();
		delscreen(screen);
	}
	close(signals);
	return code;
}

static void
top_init(struct top *top, const struct source *source)
{
	*top = (struct top){.page = TOP_QUEUES};
	top_data_init(&top->data, source);
	top_list_init(&top->lists[TOP_QUEUES], "queue", "longest_wait_s", true);
	top_list_init(
	    &top->lists[TOP_SERVICES], "service", "longest_wait_s", true);
	top_list_init(&top->lists[TOP_FEEDS], "feed", "feed", false);
}

static void
top_fini(struct top *top)
{
	size_t i;

	for (i = 0; i < TOP_LISTS; i++)
		top_list_fini(&top->lists[i]);
	top_lines_fini(&top->lines);
	top_data_fini(&top->data);
	free(top->queue);
}

/* Where no daemon is, there is nothing to draw: said before the screen goes. */
static int
top_do(const struct source *source)
{
	struct top top;
	struct err err;
	int code = EXIT_FAILED;

	top_init(&top, source);
	if (top_data_open(&top.data, &err) < 0)
		fprintf(stderr, "ringtally top: %s\n", err.text);
	else
		code = top_run(&top);
	top_fini(&top);
	return code;
}

static int
top_options(struct source *source, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"queue", required_argument, NULL, 'q'},
	    {"service", required_argument, NULL, 's'},
	    {"socket", required_argument, NULL, 'S'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, SOURCE_OPTIONS, longs, NULL)) != -1)
		if (!source_option(source, c, optarg))
			return command_usage(&command_top, NULL);
	if (optind < argc)
		return command_usage(
		    &command_top, "what is \"%s\"?", argv[optind]);
	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return command_usage(&command_top,
		    "it needs a terminal; in a pipe, use ringtally live");
	return EXIT_DONE;
}

static int
top_command(const char *conf_path, int argc, char **argv)
{
	struct source source;
	int code;

	source_init(&source);
	code = top_options(&source, argc, argv);
	if (code == EXIT_DONE)
		code = source_find(&source, &command_top, conf_path);
	if (code == EXIT_DONE && source.zone != NULL) {
		setenv("TZ", source.zone, 1);
		tzset();
	}
	if (code == EXIT_DONE)
		code = top_do(&source);
	source_fini(&source);
	return code;
}

const struct command command_top = {
    .name = "top",
    .usage = "[-q QUEUE] [-s SERVICE] [-S SOCKET]",
    .help = "the same on the whole screen: sort, filter, look at one queue",
    .run = top_command,
};
