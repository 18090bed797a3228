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
 * What is pushed and can not be asked for again (TCP, UDP, HTTP ...) goes to a
 * spool on disk first, cut into records, and is read from there like a file:
 * see feed/spooled.h. Its positions are places in the spool. What comes in does
 * not wait for the database: only reading the spool needs a position.
 *
 * So a transport never drops a byte that it handed over and that was not
 * taken, and neither stage knows the database. A transport knows sockets and
 * files; a format is pure: no socket, no clock, no allocation for each record.
 * What a format must remember from record to record it gives away with `save`:
 * it is committed with the position, and given back at the next start.
 *
 * Every transport and every format is one const descriptor in the tables of
 * feed/transports.def and format/formats.def.
 */
#ifndef RT_EVENT_STAGE_H
#define RT_EVENT_STAGE_H

#include "base/err.h"
#include "base/option.h"
#include "event/event.h"
#include "event/record.h"

#define STAGE_TURN_BYTES (256 * 1024)
#define STAGE_RECORD_MAX 65536 /* bytes of the longest record we take */
#define STAGE_HEAD_BYTES 1024  /* of a file, hashed to know it again */
#define STAGE_PATH_MAX	 1024
#define STAGE_STATE_MAX	 (1024 * 1024) /* of what a format remembers */

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
	int64_t none_us;     /* file_no 0: there was none then; 0: not known */
};

/* How records are cut; see framer.h. */
enum framing {
	FRAMING_LINES,	 /* LF or CRLF; the end is not part of the record */
	FRAMING_BLOCKS,	 /* lines up to an empty one (AMI) */
	FRAMING_ESL,	 /* the same, and a body of Content-Length bytes */
	FRAMING_SYSLOG,	 /* counted, or ended by LF or NUL: told by each */
	FRAMING_DOCUMENT /* all of a file, datagram or POST is one record */
};

enum stage_kind { STAGE_TRANSPORT, STAGE_FORMAT };

enum stage_trait {
	STAGE_REPLAYABLE = 1,	/* can start again at a saved position */
	STAGE_TWO_WAY = 2,	/* transports: can send; see `dialogue` */
	STAGE_SPOOLED = 4,	/* transports: hand over records of a spool */
	STAGE_REPEATS = 8,	/* transports: senders repeat what they said */
	STAGE_POSTED = 16,	/* transports: need live.listen; see ingest */
	STAGE_ONLY_ONE = 32,	/* transports: of at most one feed */
	STAGE_MARKS = 64,	/* formats: want RECORD_BEGIN and _END, too */
	STAGE_AFTERWARDS = 128, /* formats: tell of calls when they are over */
	/*
	 * Formats: texts of events may stand in the format's own memory, and
	 * are good until the sink returns; those of others stand in the record.
	 * What has `save` is taken to be such a format, too.
	 */
	STAGE_OWN_TEXT = 256,
	STAGE_LATE = 512, /* transports: what is told may be of long ago */
	/* Formats: a call's id is no other switch's, however many there are */
	STAGE_UNIQUE_IDS = 1024,
	STAGE_DATAGRAMS = 2048 /* transports: at a port of UDP, not of TCP */
};

/* What a format can know of a call; what it can not is NULL, never zero. */
enum stage_fact {
#define FACT(name, help) STAGE_FACT_##name,
#include "event/facts.def"
#undef FACT
	STAGE_FACTS
};
#define STAGE_KNOWS(name) (1U << STAGE_FACT_##name)

/* Why bytes were refused or lost; both count as gaps. */
enum stage_loss {
	STAGE_LOSS_TRUNCATED, /* cut off before we read them */
	STAGE_LOSS_MISSING,   /* a file that we were reading is gone */
	STAGE_LOSS_AWAY,      /* not connected: nobody heard what was said */
	STAGE_LOSS_FULL,      /* no room in the spool */
	STAGE_LOSS_DAMAGED    /* unreadable: checksum, compression */
};

struct loop;
struct position;
struct strbuf;

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
	/*
	 * STAGE_SPOOLED: one whole record, which stands at `position`. Returns
	 * false where it is not taken now; it must be offered again.
	 */
	bool (*record)(struct stage_upstream *up,
	    const struct position *position, const struct record *record);
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
	/* So many records were longer than STAGE_RECORD_MAX. May be NULL. */
	void (*oversize)(struct stage_upstream *up, uint64_t n);
	/* What `status` tells is new. May be NULL: nobody asks. */
	void (*changed)(struct stage_upstream *up);
};

/*
 * What is said on one connection of a transport that is STAGE_TWO_WAY, by a
 * format that has to log in there. The transport makes one for each connection
 * and calls the format's dialogue_ops; these call back.
 */
struct dialogue {
	const char *feed; /* for messages */
	/* from the transport's options; "" where not configured */
	const char *user, *secret;
	const void *options; /* the format's */
	void (*send)(struct dialogue *d, const char *bytes, size_t n);
	/* Logged in: the feed is connected, the back-off begins anew. */
	void (*ready)(struct dialogue *d);
	/*
	 * It can not go on: closes the connection, to try again later.
	 * by_operator: trying again soon is of no use (a wrong password).
	 */
	void (*refuse)(struct dialogue *d, const char *why, bool by_operator);
};

struct dialogue_ops {
	bool wants_user; /* it needs a user's name, and not only a secret */
	/* A connection was made. Returns what the others are given. */
	void *(*start)(struct dialogue *d);
	/*
	 * A record came. True: it is data, and goes to the spool; false: it
	 * was part of the conversation only.
	 */
	bool (*hear)(void *self, struct slice record);
	/* Each keepalive_s of silence: say something that is answered. */
	void (*silence)(void *self);
	void (*end)(void *self); /* frees; the connection is gone */
};

/* How a transport stands now: filled by `status`. */
struct stage_status {
	bool connected;		/* or listening, or reading; false: see text */
	int64_t since_us;	/* of that, by our clock; 0: not known */
	int64_t heard_us;	/* when something came in last; 0: never */
	int64_t spool_bytes;	/* on disk, not yet deleted */
	int64_t spool_since_us; /* what it holds came since; 0: nothing */
	uint64_t unread;	/* records in the spool, not yet counted */
	/* deleted from it unread, which nobody could count yet as a gap */
	uint64_t dropped;
	int64_t dropped_bytes;
	char text[256]; /* for people */
};

struct ingest;

/* What one stage is given to open with. */
struct stage_setup {
	const char *feed;    /* its name, for messages; outlives the stage */
	const void *options; /* struct described by the descriptor's options */
	struct loop *loop;   /* transports only */
	struct stage_upstream *up; /* transports only */
	/*
	 * Transports only; all zero: none. NULL, with `resume`: not yet known,
	 * as the database is away.
	 */
	const struct position *from;
	/*
	 * Formats: appends what may be remembered of a caller's number, which
	 * is told in its place later, flagged EVENT_HIDDEN; nobody can read it.
	 * It may be nothing. NULL: nothing may be.
	 */
	void (*hide_caller)(void *ctx, struct slice number, struct strbuf *to);
	void *hide_ctx;
	const char *timezone;  /* of the feed's local times */
	const char *spool;     /* folder of this feed's own; spooled */
	const char *format;    /* the feed's, by name; spooled */
	enum framing framing;  /* of the feed's records; spooled */
	bool unique_ids;       /* the format is STAGE_UNIQUE_IDS; spooled */
	struct ingest *ingest; /* of POSTs, see feed/ingest.h; or NULL */
	const struct dialogue_ops *dialogue; /* of the format; two-way only */
	const void *format_options;	     /* for the dialogue */
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
	 * Transports, or NULL: what of their options does not go together, and
	 * with `files` also what of the files that they name can not be used.
	 * Returns -1 with the reason. Asked before anything is opened, so that
	 * a configuration that can not work is refused, and ends no daemon.
	 */
	int (*check)(const void *options, bool files, struct err *err);

	/*
	 * Makes a running instance. Returns -1 with the reason where the
	 * configuration can not work; what may come right by itself (a file
	 * that is not there yet) is no failure but waited for.
	 */
	int (*open)(
	    void **self, const struct stage_setup *setup, struct err *err);
	unsigned facts; /* formats: STAGE_KNOWS(...) | ... */

	/*
	 * Formats: makes events of one record, in the order in which they
	 * happened. Returns 0, or -1 for a record that makes no sense (why:
	 * a constant text).
	 */
	int (*input)(void *self, const struct record *record, struct sink *sink,
	    const char **why);
	/*
	 * Formats, or NULL: what makes the record the same when it is sent
	 * again (a call's uuid): the feed passes over one that it knows.
	 * Returns false where it has none; then, with a transport whose
	 * senders repeat, the whole record is its own key. An empty key: it
	 * may come as often as it likes, as what comes of it is the same.
	 */
	bool (*key)(void *self, const struct record *record, struct slice *key);
	/*
	 * Formats, or NULL: appends what it remembers (nothing: adds nothing),
	 * and takes it back. At most STAGE_STATE_MAX bytes; load returns -1
	 * for what it does not understand, and is as new then.
	 */
	void (*save)(void *self, struct strbuf *to);
	int (*load)(void *self, struct slice from);
	/*
	 * Formats, or NULL: all that there is was read, and nobody waits for
	 * more; tells what it has held back for what might follow. Not at the
	 * end of a file, and not by a daemon that stays, where `save` keeps it:
	 * by `ringtally tally`, and by --once. With that more may have come the
	 * next time, so what is told here must never be told again: `save`
	 * knows it, and what follows of it is a note.
	 */
	void (*finish)(void *self, struct sink *sink);
	/* Formats that must speak, or NULL. */
	const struct dialogue_ops *dialogue;
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
	/* Transports, or NULL: figures up to that position are committed. */
	void (*committed)(void *self, const struct position *position);
	/*
	 * STAGE_SPOOLED: hands over from there on, where it was opened without
	 * a position, or begins again there. NULL: hands nothing over until it
	 * is told so once more. What comes in goes to the spool all the time.
	 */
	void (*resume)(void *self, const struct position *from);
	/*
	 * STAGE_SPOOLED: closes one that was opened without a position and
	 * never got one, and forgets what came in since: another daemon has
	 * heard it.
	 */
	void (*disown)(void *self, const char *reason);
	/* Transports, or NULL: how it stands, for people. */
	void (*status)(void *self, struct stage_status *status);
	/*
	 * STAGE_SPOOLED: what is committed is to leave the disk now, and not
	 * only when it is some time old. It may be asked again and again.
	 */
	void (*shed)(void *self);
	/*
	 * Transports, or NULL: it is to be closed in this turn, as all are.
	 * What takes time begins now, and is waited for in close, so that all
	 * of them take no longer than the slowest.
	 */
	void (*stop)(void *self);
	/* Frees the instance. reason: for the log. Never NULL. */
	void (*close)(void *self, const char *reason);
};

/* What may be lost: a word that is explained in ringtally-feeds(7). */
static inline const char *
stage_guarantee(const struct stage *transport)
{
	if ((transport->traits & STAGE_SPOOLED) == 0)
		return "replayable";
	return (transport->traits & STAGE_REPEATS) != 0 ? "acknowledged"
							: "spooled";
}

#endif
