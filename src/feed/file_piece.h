/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One piece of a log: the file that is written to, or one that rotation put
 * aside, open for reading, with what tells it from all others.
 *
 * A piece is known by its device, inode and inode generation, and by its
 * first bytes: a new file often has the inode of the one just removed (ext4
 * gave it back 49 times in 50; the generation differed each time), and a
 * compressed piece has the first bytes of what it was made from, but another
 * inode. The generation is asked of the open descriptor, never by opening
 * again: that would keep an NFS client from seeing a rotation.
 */
#ifndef RT_FEED_FILE_PIECE_H
#define RT_FEED_FILE_PIECE_H

#include <sys/stat.h>

#include "event/stage.h"

struct input;

/* The first bytes, fewer where the file is shorter; decompressed. */
struct head {
	uint32_t n;
	char bytes[STAGE_HEAD_BYTES];
};

uint64_t head_hash(const struct head *head, uint32_t n);
/* What both have is the same, and that is not nothing. */
bool head_agrees(const struct head *a, const struct head *b);

struct piece {
	int fd; /* -1: none is open */
	bool gzip;
	bool broken; /* compressed data that breaks off within the head */
	char path[STAGE_PATH_MAX];
	struct stat st; /* when it was opened, or since piece_stat */
	uint64_t generation;
	struct head head; /* likewise */
};

#define PIECE_NONE ((struct piece){.fd = -1})

/*
 * Opens a regular file. Returns 0, or -1 with errno and the reason: ENXIO for
 * what is no regular file. Compressed data that is damaged (or not yet written
 * to its end) opens with as much of its head as there is.
 */
int piece_open(struct piece *piece, const char *path, struct err *err);
/*
 * The same of a name in the folder behind a descriptor, no symbolic link. path:
 * what it is to be called.
 */
int piece_open_at(struct piece *piece, int folder, const char *name,
    const char *path, struct err *err);
void piece_close(struct piece *piece); /* does nothing where none is open */
/* Looks at its size and times again. */
int piece_stat(struct piece *piece, struct err *err);

bool piece_is(const struct piece *piece, const struct stat *st);

/* pread() that goes on after signals; -1 with errno. */
ssize_t piece_read(const struct piece *piece, void *to, size_t n, int64_t at);

/* The same until all n bytes or the end are there. */
ssize_t
piece_read_full(const struct piece *piece, void *to, size_t n, int64_t at);

/* A reader of a compressed piece from its start; NULL with the reason. */
struct input *piece_gunzip(const struct piece *piece, struct err *err);

/* The bytes that stand directly before `at` are the same in both pieces. */
bool
piece_same_before(const struct piece *a, const struct piece *b, int64_t at);

/*
 * b holds the same log as a, from its start to the shorter one's end: a copy,
 * or the compressed form of it. Two logs that only begin alike are told apart
 * by the end of what both have (not where one of them is compressed).
 */
bool piece_is_copy(const struct piece *a, const struct piece *b);

enum match {
	MATCH_NONE,
	MATCH_HEAD,  /* the same first bytes: a copy, restored, compressed */
	MATCH_INODE, /* and the inode, on another device number */
	MATCH_EXACT
};

/* Is it the file of that position? */
enum match piece_matches(const struct piece *piece, const struct position *pos);

#endif
