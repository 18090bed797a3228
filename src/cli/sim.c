/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally sim: plays a call centre and writes the queue_log that it would
 * leave behind; all at once, in real time, or some times as fast.
 */
#include "base/base.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/utc.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/simfile.h"
#include "sim/sim.h"

#define SIM_START_US  (INT64_C(1795392000) * USEC_PER_SEC) /* 2026-11-23 */
#define SIM_QUEUES    8
#define SIM_AGENTS    50 /* for each unit of the rate */
#define SIM_THOUSAND  1000
#define SIM_LOOK      4096 /* steps between looks at signals and progress */
#define SIM_SPEED_MAX 1000000

struct sim_run {
	struct sim_config config;
	struct simfile_config file;
	int64_t length_us; /* 0: as the speed has it */
	int64_t speed;	   /* thousandths of real time; 0: at once */
	bool now;	   /* start is the present */
	bool rotate_told;  /* how to rotate was said */
};

static volatile sig_atomic_t sim_stopped;

static void
sim_on_signal(int number)
{
	(void)number;
	sim_stopped = 1;
}

/* --- the run ------------------------------------------------------------- */

static void
sim_catch_signals(void)
{
	struct sigaction action = {.sa_handler = sim_on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * Waits until then, or for a signal: these are let in during the wait only,
 * so that none comes between the look at sim_stopped and the sleep.
 */
static void
sim_wait(int64_t until_us, const sigset_t *let_in)
{
	int64_t left_us = until_us - clock_mono_us();
	struct timespec ts = {.tv_sec = (time_t)(left_us / USEC_PER_SEC),
	    .tv_nsec = (long)(left_us % USEC_PER_SEC) * 1000};

	if (left_us > 0)
		(void)ppoll(NULL, 0, &ts, let_in);
}

/* Each line at its time. */
static void
sim_play(const struct sim_run *run, struct sim *sim, const bool *failed)
{
	int64_t began_us = clock_mono_us();
	sigset_t ours, before;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &before);
	while (!sim_stopped && !*failed) {
		int64_t next_us = sim_next(sim), due_us;

		if (next_us == INT64_MAX)
			break;
		next_us = RT_MIN(next_us, run->config.end_us);
		due_us = began_us +
		    (next_us - run->config.start_us) * SIM_THOUSAND /
			run->speed;
		if (due_us > clock_mono_us()) {
			if (due_us > clock_mono_us() + USEC_PER_SEC)
				sim_quiet(sim);
			sim_wait(due_us, &before);
			continue; /* or a signal came */
		}
		if (next_us >= run->config.end_us)
			break;
		sim_step(sim);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* All at once. */
static void
sim_rush(const struct sim_run *run, struct sim *sim, const bool *failed)
{
	int64_t start_us = run->config.start_us, end_us = run->config.end_us;
	struct progress progress;
	int64_t next_us;
	uint64_t steps = 0;

	progress_start(&progress, "playing",
	    end_us == INT64_MAX ? 0 : (uint64_t)(end_us - start_us));
	while ((next_us = sim_next(sim)) < end_us) {
		if (++steps % SIM_LOOK == 0) {
			if (sim_stopped || *failed)
				break;
			progress_at(&progress, (uint64_t)(next_us - start_us));
		}
		sim_step(sim);
	}
	progress_end(&progress);
}

static int
sim_main(struct sim_run *run)
{
	struct simfile file;
	struct sim *sim;
	struct err err;
	int status;

	sim = sim_new(&run->config, &file.sink, &err);
	if (sim == NULL)
		return command_usage(&command_sim, "%s", err.text);
	if (simfile_open(&file, &run->file, &err) < 0) {
		fprintf(stderr, "ringtally sim: %s\n", err.text);
		sim_free(sim);
		return EXIT_FAILED;
	}
	sim_catch_signals();
	if (run->speed > 0)
		sim_play(run, sim, &file.failed);
	else
		sim_rush(run, sim, &file.failed);
	sim_end(sim);
	sim_free(sim);
	status = simfile_close(&file, &err);
	if (status < 0)
		fprintf(stderr, "ringtally sim: %s\n", err.text);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- the options ---------------------------------------------------------- */

/*
 * A decimal number without sign, in units of 10^-places. All digits count:
 * no floating point comes in that might differ between machines.
 */
static bool
sim_decimal(const char *text, int places, int64_t *value)
{
	struct slice whole = {text, strcspn(text, ".")};
	const char *part = text + whole.n;
	int64_t v = 0;

	if (*part == '.')
		part++;
	if (whole.n > 9 || strlen(part) > (size_t)places ||
	    (whole.n == 0 && *part == '\0') ||
	    (whole.n > 0 && !slice_uint(whole, &v)))
		return false;
	for (; places > 0; places--) {
		if (*part != '\0' && (*part < '0' || *part > '9'))
			return false;
		v = v * 10 + (*part != '\0' ? *part++ - '0' : 0);
	}
	*value = v;
	return true;
}

static bool
sim_whole_number(const char *text, int64_t min, int64_t max, int64_t *value)
{
	int64_t v;

	if (!slice_uint(slice_of(text), &v) || v < min || v > max)
		return false;
	*value = v;
	return true;
}

/* "2026-11-23", with or without "T08:00:00" and "Z", or "now". */
static bool
sim_parse_start(struct sim_run *run, const char *text)
{
	struct tm tm = {0}, date;
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	run->now = strcmp(text, "now") == 0;
	if (run->now)
		return true;
	if (end != NULL && *end == 'T')
		end = strptime(end, "T%H:%M:%S", &tm);
	if (end != NULL && *end == 'Z')
		end++;
	if (end == NULL || *end != '\0' || tm.tm_year < 70)
		return false;
	date = tm;
	run->config.start_us = (int64_t)timegm(&tm) * USEC_PER_SEC;
	/* 30 February is no day: it would become one in March */
	return tm.tm_mday == date.tm_mday && tm.tm_mon == date.tm_mon;
}

static bool
sim_parse_speed(struct sim_run *run, const char *text)
{
	char number[24];
	size_t n = strlen(text);

	run->speed = 0;
	if (strcmp(text, "max") == 0)
		return true;
	run->speed = SIM_THOUSAND;
	if (strcmp(text, "real") == 0)
		return true;
	if (n < 2 || n > sizeof(number) || text[n - 1] != 'x')
		return false;
	memcpy(number, text, n - 1);
	number[n - 1] = '\0';
	return sim_decimal(number, 3, &run->speed) && run->speed > 0 &&
	    run->speed <= INT64_C(1000) * SIM_SPEED_MAX;
}

static bool
sim_parse_crash(struct sim_run *run, const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%H:%M", &tm);

	run->config.crash_min = tm.tm_hour * 60 + tm.tm_min;
	return end != NULL && *end == '\0';
}

static bool
sim_parse_rotate(struct sim_run *run, const char *text)
{
	static const char *const names[] = {[SIMFILE_RENAME] = "rename",
	    [SIMFILE_COPYTRUNCATE] = "copytruncate",
	    [SIMFILE_GZIP] = "gzip"};
	size_t i;

	for (i = 0; i < RT_COUNT(names); i++) {
		if (strcmp(names[i], text) == 0) {
			run->file.rotate = (enum simfile_rotate)i;
			return true;
		}
	}
	return false;
}

static bool
sim_parse_profile(struct sim_run *run, const char *text)
{
	run->config.flat = strcmp(text, "flat") == 0;
	return run->config.flat || strcmp(text, "day") == 0;
}

static bool
sim_parse_share(const char *text, uint32_t *millionths)
{
	int64_t v;

	if (!sim_decimal(text, 6, &v) || v > 1000000)
		return false;
	*millionths = (uint32_t)v;
	return true;
}

enum sim_option {
	SIM_SEED = 256,
	SIM_START,
	SIM_DAYS,
	SIM_HOURS,
	SIM_CALLS,
	SIM_N_QUEUES,
	SIM_N_AGENTS,
	SIM_RATE,
	SIM_SPEED,
	SIM_PROFILE,
	SIM_CRASH,
	SIM_REDIAL,
	SIM_REPEAT,
	SIM_OPTIMISE,
	SIM_DISORDER,
	SIM_ASSESS,
	SIM_REFUSALS,
	SIM_ROTATE_AFTER,
	SIM_ROTATE,
	SIM_TRUTH,
	SIM_VISITS
};

static const struct option sim_options[] = {
    {"seed", required_argument, NULL, SIM_SEED},
    {"start", required_argument, NULL, SIM_START},
    {"days", required_argument, NULL, SIM_DAYS},
    {"hours", required_argument, NULL, SIM_HOURS},
    {"calls", required_argument, NULL, SIM_CALLS},
    {"queues", required_argument, NULL, SIM_N_QUEUES},
    {"agents", required_argument, NULL, SIM_N_AGENTS},
    {"rate", required_argument, NULL, SIM_RATE},
    {"speed", required_argument, NULL, SIM_SPEED},
    {"profile", required_argument, NULL, SIM_PROFILE},
    {"crash", required_argument, NULL, SIM_CRASH},
    {"redial", required_argument, NULL, SIM_REDIAL},
    {"repeat", required_argument, NULL, SIM_REPEAT},
    {"optimise", required_argument, NULL, SIM_OPTIMISE},
    {"disorder", required_argument, NULL, SIM_DISORDER},
    {"assess", required_argument, NULL, SIM_ASSESS},
    {"refusals", no_argument, NULL, SIM_REFUSALS},
    {"rotate-after", required_argument, NULL, SIM_ROTATE_AFTER},
    {"rotate", required_argument, NULL, SIM_ROTATE},
    {"truth", required_argument, NULL, SIM_TRUTH},
    {"visits-truth", required_argument, NULL, SIM_VISITS},
    {"interval", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'}, {0}};

/* Options that are a number. */
static bool
sim_set_number(struct sim_run *run, int c, const char *text)
{
	struct sim_config *config = &run->config;
	int64_t v = 0;
	bool good;

	if (c == SIM_HOURS || c == SIM_RATE)
		good = sim_decimal(text, 3, &v) && v > 0;
	else
		good = sim_whole_number(text, c != SIM_SEED, INT64_MAX, &v);
	switch (c) {
	case SIM_SEED:
		config->seed = (uint64_t)v;
		return good;
	case SIM_DAYS:
		run->length_us = v * SEC_PER_DAY * USEC_PER_SEC;
		return good && v <= 36500;
	case SIM_HOURS:
		run->length_us = v * 3600 * 1000;
		return good && v <= INT64_C(1000) * 876000;
	case SIM_CALLS:
		config->calls = (uint64_t)v;
		return good;
	case SIM_N_QUEUES:
		config->queues = (uint32_t)RT_MIN(v, SIM_QUEUES_MAX + 1);
		return good;
	case SIM_N_AGENTS:
		config->agents = (uint32_t)RT_MIN(v, SIM_AGENTS_MAX + 1);
		return good;
	case SIM_RATE:
		config->rate = (uint32_t)RT_MIN(v, SIM_RATE_MAX + 1);
		return good;
	case SIM_ROTATE_AFTER:
		run->file.rotate_after = (uint64_t)v;
		return good;
	case 'i':
		config->interval_s = v * 60;
		return good && v <= 1440 && 1440 % v == 0;
	default:
		return false;
	}
}

static bool
sim_set(struct sim_run *run, int c, const char *text)
{
	switch (c) {
	case SIM_START:
		return sim_parse_start(run, text);
	case SIM_SPEED:
		return sim_parse_speed(run, text);
	case SIM_PROFILE:
		return sim_parse_profile(run, text);
	case SIM_CRASH:
		return sim_parse_crash(run, text);
	case SIM_REDIAL:
		return sim_parse_share(text, &run->config.redial);
	case SIM_REPEAT:
		return sim_parse_share(text, &run->config.repeat);
	case SIM_OPTIMISE:
		return sim_parse_share(text, &run->config.optimise);
	case SIM_DISORDER:
		return sim_parse_share(text, &run->config.disorder);
	case SIM_ASSESS:
		return sim_parse_share(text, &run->config.assess);
	case SIM_REFUSALS:
		return run->config.refusals = true;
	case SIM_ROTATE:
		run->rotate_told = true;
		return sim_parse_rotate(run, text);
	case SIM_TRUTH:
		run->file.truth = text;
		return true;
	case SIM_VISITS:
		run->file.visits = text;
		return true;
	case 'o':
		run->file.log = text;
		return true;
	default:
		return sim_set_number(run, c, text);
	}
}

/* What follows from several options, or from none. */
static int
sim_complete(struct sim_run *run)
{
	struct sim_config *config = &run->config;

	if (run->file.rotate_after > 0 && run->file.log == NULL)
		return command_usage(&command_sim, "--rotate-after needs -o");
	if (run->rotate_told && run->file.rotate_after == 0)
		return command_usage(
		    &command_sim, "--rotate needs --rotate-after");
	run->file.prompt = run->speed > 0;
	if (run->now)
		config->start_us = clock_wall_us();
	if (run->length_us == 0 && run->speed == 0 && config->calls == 0)
		run->length_us = SEC_PER_DAY * USEC_PER_SEC;
	config->end_us =
	    run->length_us == 0 ? INT64_MAX : config->start_us + run->length_us;
	if (config->agents == 0) {
		config->agents = config->rate * SIM_AGENTS / SIM_THOUSAND;
		config->agents = RT_MAX(config->agents, config->queues);
		config->agents = RT_MIN(config->agents, SIM_AGENTS_MAX);
	}
	return EXIT_DONE;
}

static int
sim_command(const char *conf_path, int argc, char **argv)
{
	struct sim_run run = {.config = {.seed = 1,
				  .start_us = SIM_START_US,
				  .queues = SIM_QUEUES,
				  .rate = SIM_THOUSAND,
				  .crash_min = -1,
				  .redial = 400000,
				  .optimise = 10000,
				  .interval_s = 900,
				  .short_abandon_s = 5}};
	int c, index = 0, code;

	(void)conf_path;
	while (
	    (c = getopt_long(argc, argv, "i:o:", sim_options, &index)) != -1) {
		if (c == '?')
			return command_usage(&command_sim, NULL);
		if (!sim_set(&run, c, optarg))
			return command_usage(&command_sim,
			    "bad value \"%s\" for %s%s", optarg,
			    c < SIM_SEED ? "-" : "--",
			    c == 'i' ? "i" : sim_options[index].name);
	}
	if (optind < argc)
		return command_usage(
		    &command_sim, "what is \"%s\"?", argv[optind]);
	code = sim_complete(&run);
	return code == EXIT_DONE ? sim_main(&run) : code;
}

const struct command command_sim = {
    .name = "sim",
    .usage = "[--seed N] [--start TIME|now] [--days N] [--hours H] "
	     "[--calls N] [--queues N] [--agents N] [--rate X] "
	     "[--profile day|flat] [--speed max|real|Nx] [--crash HH:MM] "
	     "[--redial P] [--repeat P] [--optimise P] [--disorder P] "
	     "[--assess P] [--refusals] [-o FILE] "
	     "[--rotate-after LINES] [--rotate rename|copytruncate|gzip] "
	     "[-i MINUTES] [--truth FILE] [--visits-truth FILE]",
    .help = "play a call centre and write the log that it would leave behind",
    .run = sim_command,
};
