/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stages: how bytes come in, and what they mean.
 *
 * The life of one log line. Asterisk appends
 *
 *	1795288729|1795288727.10|limited|Jo|CONNECT|2|1795288727.12|1\n
 *
 * to its queue_log. The transport `file` is told so by inotify, reads what is
 * new (at most STAGE_TURN_BYTES in one turn of the loop) and hands the bytes
 * to its feed. The feed's framer cuts them at line ends; half a line stays
 * with the transport until its rest arrives. Each whole record goes to the
 * format, which makes events of it and gives each to the feed's sink. The
 * feed stamps the event with where its record stands and passes it to the call
 * machine of its switch; there the visit becomes `answered` and the tally
 * books it. The feed tells the transport how many bytes it has taken: that is
 * the position. When the store cuts next, position and figures go into one
 * transaction; after a crash the transport is opened with the position that
 * was committed, and the same bytes that were not yet counted come again.
 *
 * So a transport never drops a byte that it handed over and that was not
 * taken, a format keeps no state that matters from record to record, and
 * neither knows the database. A transport knows sockets and files; a format is
 * pure: no socket, no clock, no allocation for each record.
 *
 * Every transport and every format is one const descriptor in the tables of
 * feed/transports.def and format/formats.def.
 */
#ifndef RT_EVENT_STAGE_H
#define RT_EVENT_STAGE_H

#include "base/err.h"
#include "base/option.h"
#include "event/event.h"

#define STAGE_TURN_BYTES (256 * 1024)
#define STAGE_RECORD_MAX 65536 /* bytes of the longest record we take */
#define STAGE_HEAD_BYTES 1024  /* of a file, hashed to know it again */
#define STAGE_PATH_MAX	 1024

/*
 * Where a replayable transport can go on: written with the figures, given back
 * at the next start. All zero: never started.
 */
struct position {
	uint32_t file_no; /* how many files this feed has begun; 0: none */
	char path[STAGE_PATH_MAX]; /* its name when it was begun */
	uint64_t device;
	uint64_t inode;
	uint64_t generation; /* FS_IOC_GETVERSION; 0 where not supported */
	uint64_t head_hash;  /* XXH3-64 of the first head_size bytes */
	uint32_t head_size;  /* up to STAGE_HEAD_BYTES */
	int64_t offset;	     /* first byte not yet taken (decompressed) */
	int64_t size_seen;   /* of the file when it was last looked at */
	bool skipping;	     /* offset is within a record that is too long */
};

enum framing {
	FRAMING_LINES /* LF or CRLF; the end is not part of the record */
};

enum stage_kind { STAGE_TRANSPORT, STAGE_FORMAT };

enum stage_trait {
	STAGE_REPLAYABLE = 1, /* can start again at a saved position */
	STAGE_TWO_WAY = 2     /* can send: a login, a subscription */
};

/* Why bytes were refused or lost; both count as gaps. */
enum stage_loss {
	STAGE_LOSS_TRUNCATED, /* cut off before we read them */
	STAGE_LOSS_MISSING    /* a file that we were reading is gone */
};

struct loop;
struct position;

/*
 * What a transport calls, given to it at open and valid until close. All run
 * on the loop's thread and return at once.
 */
struct stage_upstream {
	/*
	 * New bytes, where they stand in `position` (offset: of bytes[0]).
	 * Returns how many were taken, up to n: the rest must be offered
	 * again, with more behind it. `last`: nothing will ever follow in
	 * this file, so that all n bytes are taken, a last line without its
	 * end included.
	 */
	size_t (*bytes)(struct stage_upstream *up,
	    const struct position *position, const char *bytes, size_t n,
	    bool last);
	/* n bytes (or -1: unknown) were lost for ever; why: for the log. */
	void (*lost)(struct stage_upstream *up, enum stage_loss loss, int64_t n,
	    const char *why);
	/*
	 * The transport has nothing more to hand over now (it has read to the
	 * present end), or has again. --once waits for all feeds to be idle.
	 */
	void (*idle)(struct stage_upstream *up, bool idle);
	/*
	 * With `once`: it can not be read to its present end, and waiting is
	 * of no use. May be NULL: nobody asks.
	 */
	void (*failed)(struct stage_upstream *up, const char *why);
};

/* What one stage is given to open with. */
struct stage_setup {
	const char *feed;    /* its name, for messages; outlives the stage */
	const void *options; /* struct described by the descriptor's options */
	struct loop *loop;   /* transports only */
	struct stage_upstream *up;   /* transports only */
	const struct position *from; /* transports only; all zero: none */
	bool at_end; /* without a position: begin at the present end */
	bool once;   /* read to the present end, then be idle for good */
};

struct stage {
	const char *name;
	enum stage_kind kind;
	unsigned traits;      /* enum stage_trait */
	enum framing framing; /* formats */
	const char *help;
	const struct option_row *options; /* ends with a NULL name; or NULL */
	size_t options_size; /* of the struct that the options describe */

	/*
	 * Makes a running instance. Returns -1 with the reason where the
	 * configuration can not work; what may come right by itself (a file
	 * that is not there yet) is no failure but waited for.
	 */
	int (*open)(
	    void **self, const struct stage_setup *setup, struct err *err);
	/*
	 * Formats: makes events of one record, in the order in which they
	 * happened. Returns 0, or -1 for a record that makes no sense (why:
	 * a constant text).
	 */
	int (*input)(void *self, struct slice record, struct sink *sink,
	    const char **why);
	/*
	 * Transports: stop handing over, and go on. A paused transport keeps
	 * its place and reads nothing.
	 */
	void (*pause)(void *self, bool paused);
	/*
	 * Transports: where it would go on if everything handed over and
	 * taken so far were committed.
	 */
	void (*position)(void *self, struct position *position);
	/* Frees the instance. reason: for the log. Never NULL. */
	void (*close)(void *self, const char *reason);
};

#endif
