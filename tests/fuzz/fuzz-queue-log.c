/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue_log of any bytes, through the whole pipeline: whatever stands in it,
 * the identity holds, and pieces, cuts and crashes anywhere give the figures
 * that reading it in one piece gives. For other formats of lines it is compiled
 * once more, as fuzz-FORMAT: see Makefile.am.
 */
#include "base/base.h"
#include "format/formats.h"
#include "scenario/rig.h"

#ifndef FUZZ_FORMAT
#define FUZZ_FORMAT asterisk_queue_log_stage
#endif

#define FUZZ_PIECES 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_play {
	struct rig_config config;
	bool crashes;
	unsigned parts; /* of the state, to be compared */
	uint64_t seed;
};

static void
fuzz_check(bool ok, const char *what, struct strbuf *why)
{
	if (!ok)
		BUG("%s: %s", what, strbuf_str(why));
}

static void
fuzz_whole(struct rig *rig)
{
	struct strbuf why = STRBUF_INIT;

	rig_read(rig, rig->log.n);
	fuzz_check(rig_holds(rig, &why), "in one piece", &why);
	strbuf_fini(&why);
}

/* Of a picture that a restart cuts in two, the end says nothing. */
static bool
fuzz_is_pictured(const struct rig *rig)
{
	unsigned i;

	for (i = 0; i < MACHINE_FEEDS; i++)
		if (rig->machine.feeds[i].picture_us != 0)
			return true;
	return false;
}

static void
fuzz_pieces(struct rig *rig, struct fuzz_play *play)
{
	struct strbuf why = STRBUF_INIT;
	size_t size = rig->log.n, upto = 0;
	bool pictured = false; /* when it was cut */

	while (upto < size) {
		upto += 1 + rig_roll(&play->seed, 1 + size * 2 / FUZZ_PIECES);
		upto = RT_MIN(upto, size);
		rig_read(rig, upto);
		if (rig_roll(&play->seed, 2) == 0) {
			fuzz_check(rig_cut(rig, &why), "cut", &why);
			pictured = fuzz_is_pictured(rig);
		}
		if (play->crashes && rig_roll(&play->seed, 3) == 0 &&
		    !pictured) {
			rig_crash(rig);
			rig_read(rig, upto);
		}
		fuzz_check(rig_holds(rig, &why), "in pieces", &why);
	}
	strbuf_fini(&why);
}

static void
fuzz_state(const uint8_t *data, size_t size, struct fuzz_play *play,
    bool pieces, struct strbuf *state)
{
	struct rig rig;

	rig_init(&rig, &play->config);
	rig_write(&rig, (struct slice){(const char *)data, size});
	if (pieces)
		fuzz_pieces(&rig, play);
	else
		fuzz_whole(&rig);
	if (HASH_COUNT(rig.store.names) >= NAMES_MAX)
		play->parts &= ~(unsigned)RIG_NAMES; /* a crash forgets them */
	rig_write_state(&rig, state, play->parts);
	rig_fini(&rig);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_play play = {.config = RIG_CONFIG_INIT, .parts = RIG_ALL};
	struct strbuf whole = STRBUF_INIT, pieces = STRBUF_INIT;
	struct strbuf room = STRBUF_INIT;
	const char *difference;

	log_set_level(LOG_LEVEL_ERROR);
	play.seed = XXH3_64bits(data, size) | 1;
	play.crashes = rig_roll(&play.seed, 4) != 0;
	play.config.format = &FUZZ_FORMAT;
	play.config.max_queues = play.config.max_agents = 100000;
	if (!play.crashes) { /* which of those at the bound go is not stored */
		play.config.max_queues = play.config.max_agents = 3;
		play.config.max_open = 6;
	}
	/* pieces first: they find out whether names can be compared */
	fuzz_state(data, size, &play, true, &pieces);
	fuzz_state(data, size, &play, false, &whole);
	if ((play.parts & RIG_NAMES) == 0) {
		strbuf_reset(&pieces);
		fuzz_state(data, size, &play, true, &pieces);
	}
	difference =
	    rig_difference(strbuf_str(&whole), strbuf_str(&pieces), &room);
	if (difference != NULL)
		BUG("in one piece and in pieces: %s", difference);
	strbuf_fini(&whole);
	strbuf_fini(&pieces);
	strbuf_fini(&room);
	return 0;
}
