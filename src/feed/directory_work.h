/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder that the transport `directory` keeps within the one it reads:
 *
 *	.ringtally/FEED/lock		one reader at a time (flock)
 *	.ringtally/FEED/ledger		see directory_ledger.h
 *	.ringtally/FEED/claimed/	files that are being read, by number
 *	.ringtally/FEED/done/000012/	those that were: by thousands
 *	.ringtally/FEED/again/000012/	those that had come before
 *	.ringtally/FEED/quarantine/	those that could not be read
 *
 * A file gets from one to the other by rename only, so that at any instant it
 * is in exactly one of them, whole, and its name there (NUMBER.NAME) tells what
 * became of it. All is on the file system of the folder that is read.
 */
#ifndef RT_FEED_DIRECTORY_WORK_H
#define RT_FEED_DIRECTORY_WORK_H

#include "feed/directory_ledger.h"

#define WORK_NAME_MAX 256 /* with the terminator */

enum fate { FATE_DONE, FATE_AGAIN, FATE_QUARANTINE };

/* A file with its number. */
struct claim {
	uint32_t no;
	char name[WORK_NAME_MAX]; /* as it is in `claimed`, with the number */
};

struct claims {
	struct claim *v;
	size_t n, cap;
};

struct work {
	int folder, home, claimed, lock; /* descriptors; -1 */
	struct ledger *ledger;
	uint32_t last_no; /* the highest number that was ever given */
};

#define WORK_NONE ((struct work){-1, -1, -1, -1, NULL, 0})

/*
 * Opens and locks it, making what is missing. -1 with errno and the reason:
 * EBUSY where another one reads this folder under the same name.
 */
int work_open(struct work *work, const char *folder, const char *feed,
    size_t remember, struct err *err);
void work_close(struct work *work);

/*
 * Takes a file of the folder: moves it into `claimed`, with the next number.
 * Returns 1, 0 where it is not there any more, or -1 with errno and reason.
 * What was claimed is sure to stay so after work_sync only.
 */
int work_claim(
    struct work *work, const char *name, struct claim *claim, struct err *err);
int work_sync(struct work *work, struct err *err);

/* The name that it had in the folder. */
const char *work_name_of(const struct claim *claim);

/* Moves a claimed file to where it belongs. That it is gone is fine. */
int work_put(struct work *work, const struct claim *claim, enum fate fate,
    struct err *err);
/*
 * Deletes the done files up to that number, at most one folder of them at a
 * time. Returns true where there may be more.
 */
bool work_delete_some(struct work *work, uint32_t upto);

/* All that are claimed, by number, added to `to`. */
int work_list(struct work *work, struct claims *to, struct err *err);

/*
 * Claims again what was put away with such a number: files that are done from
 * `done` on, files in quarantine from `refused` on. The database knows less
 * than it knew, for its server has lost its last commits. Returns how many, or
 * -1 with errno and the reason.
 */
int work_take_back(
    struct work *work, uint32_t done, uint32_t refused, struct err *err);

void claims_add(struct claims *claims, const struct claim *claim);

#endif
