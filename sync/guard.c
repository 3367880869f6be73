/* SPDX-License-Identifier: Apache-2.0 */
/* guard: see guard.h. */
#include "sync/guard.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/room.h"
#include "base/text.h"
#include "sync/plan.h"
#include "sync/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int guard_shrink(const struct plan *p, int64_t percent, struct err *e)
{
	const struct old_version *old = &p->ours[0];
	uint64_t had, have, bytes, gone = 0;

	tree_totals(&old->tree, &had, &bytes);
	tree_totals(&p->tree, &have, &bytes);
	for (size_t j = 0; j < old->gone_count; j++)
		gone += old->tree.entries[old->gone[j]].type != ENTRY_DIRECTORY;
	if (had && !have)
		return err_set(e, ERR_SYSTEM,
			       "the source is empty, and %" PRIu64 " file%s published: nothing was "
			       "changed (sync --force publishes it)",
			       had, had == 1 ? " is" : "s are");
	if (gone < GUARD_SHRINK_FEW || gone * 100 <= had * (uint64_t)percent)
		return 0;
	return err_set(e, ERR_SYSTEM,
		       "%" PRIu64 " of %" PRIu64
		       " published files would go, more than shrink-limit "
		       "(%" PRId64 " %%) allows: nothing was changed (sync --force publishes it)",
		       gone, had, percent);
}

static uint64_t blocks_for(uint64_t bytes, uint64_t block)
{
	return (bytes + block - 1) / block;
}

static void count_need(const struct plan *p, bool whole, uint64_t block, uint64_t *ret_blocks,
		       uint64_t *ret_inodes)
{
	/* The manifest comes too. */
	*ret_blocks =
		blocks_for(p->tree.count * sizeof(*p->tree.entries) + p->tree.texts_length, block);
	*ret_inodes = 0;
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct entry *entry = &p->tree.entries[i];
		const uint8_t action = p->steps[i].action;
		bool made = entry->type == ENTRY_DIRECTORY
				    ? whole || p->steps[i].fresh
				    : entry->first == i && (action == ACTION_PLACE ||
							    (whole && action == ACTION_DRESS));

		if (!made)
			continue;
		++*ret_inodes;
		*ret_blocks += entry->type == ENTRY_FILE ? blocks_for(entry->size, block) : 1;
	}
}

int guard_space(const struct plan *p, int dir, bool whole, struct guard_room more, struct err *e)
{
	char need_text[TEXT_SIZE_ROOM], free_text[TEXT_SIZE_ROOM];
	uint64_t blocks, inodes;
	struct room room;

	if (room_of(dir, &room) < 0)
		return err_sys(e, "look for free space beside the target");
	count_need(p, whole, room.block, &blocks, &inodes);
	if (blocks * room.block <= room.bytes + more.bytes && inodes <= room.inodes + more.inodes)
		return 0;
	text_size(blocks * room.block, need_text);
	text_size(room.bytes, free_text);
	(void)err_set(e, ERR_SYSTEM,
		      "No space left on device: beside the target the new version needs %s and "
		      "%" PRIu64 " inodes, %s and %" PRIu64 " are free: nothing was changed",
		      need_text, inodes, free_text, room.inodes);
	e->sys = ENOSPC;
	return -1;
}

struct validation {
	bool ended;
	int status;
};

static void on_exit_of(struct child *c, int status)
{
	struct validation *v = c->owner;

	v->ended = true;
	v->status = status;
}

static int run_validation(const struct list *command, int64_t deadline_ms, int dir,
			  struct validation *ret, struct err *e)
{
	struct child child = { .on_exit = on_exit_of, .owner = ret };
	const struct child_plan plan = { .argv = (const char *const *)command->items,
					 .in = -1,
					 .out = STDERR_FILENO,
					 .err = STDERR_FILENO,
					 .pass = -1,
					 .directory = dir,
					 .own_group = true,
					 .dies_with_us = true };
	const int64_t until = clock_ms() + deadline_ms;
	sigset_t set, before;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	int status = child_start(&child, &plan, e);
	if (status == 0) {
		const pid_t group = child.pid;

		if (!child_await(&child, until))
			child_forget(&child);
		(void)kill(-group, SIGKILL);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

int guard_validate(const struct plan *p, const struct list *command, int64_t deadline_ms, int dir,
		   struct err *e)
{
	struct witness *witness = witness_call(p, dir);
	struct validation v = { 0 };
	char span[CLOCK_TEXT_SIZE];
	int status = run_validation(command, deadline_ms, dir, &v, e);

	if (status == 0 && v.ended && v.status == 0)
		status = witness_ask(witness, e);
	witness_free(witness);
	if (status < 0)
		return err_in(e, "validate: '%s'", command->items[0]);
	if (!v.ended)
		return err_set(e, ERR_DEADLINE,
			       "validate: '%s' was killed after %s: nothing was changed",
			       command->items[0], clock_span(deadline_ms, span));
	if (v.status)
		return err_set(e, ERR_REMOTE,
			       "validate: '%s' ended with status %d: nothing was changed",
			       command->items[0], v.status);
	return 0;
}
