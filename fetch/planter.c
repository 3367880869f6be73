/* SPDX-License-Identifier: Apache-2.0 */
/* planter: see planter.h. */
#include "fetch/planter.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MOST 256 /* that wait */
#define STEPS_WORTH 64 /* waking somebody up */
#define TELL_WORTH 16  /* so many steps: who is told may wait for it */

struct step {
	int (*take)(struct plant *, const struct step *, struct err *);
	char *name; /* NULL: the entry is that of the step before */
	char *target;
	struct plant_look look;
	const void *bytes;
	void *copy; /* where they do not stay, to be freed */
	size_t count;
	uint64_t n;
	void (*tell)(void *owner);
	void *owner;
};

struct planter {
	struct plant *plant;
	char *entry;      /* the name of what the thread is at */
	bool asked, runs; /* for a thread; there is one */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more, less;
	size_t begin, count, worth;
	bool waits; /* the thread does, for more */
	bool ended; /* there will be no more */
	bool failed;
	struct err e;
	struct step steps[STEPS_MOST];
};

struct planter *planter_new(struct plant *plant)
{
	struct planter *p = mem_alloc(sizeof(*p));

	p->plant = plant;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->more, NULL);
	(void)pthread_cond_init(&p->less, NULL);
	return p;
}

/* ---- steps ---- */

static int take_directory(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_directory(plant, s->name, &s->look, e);
}

static int take_symlink(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_symlink(plant, s->name, s->target, &s->look, e);
}

static int take_hard_link(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_hard_link(plant, s->name, s->target, e);
}

static int take_file(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_file(plant, s->name, s->n, e);
}

static int take_write(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_write(plant, s->bytes, s->count, s->n, e);
}

static int take_file_end(struct plant *plant, const struct step *s, struct err *e)
{
	return plant_file_end(plant, &s->look, e);
}

/* Without the lock; failed is written by nobody else. */
static void do_step(struct planter *p, struct step *s, struct err *e, bool *failed)
{
	if (s->name) {
		free(p->entry);
		p->entry = s->name;
	}
	if (s->take && !*failed && s->take(p->plant, s, e) < 0) {
		owned char *shown = path_shown(p->entry);

		(void)err_in(e, "'%s'", shown);
		*failed = true;
	}
	if (s->tell)
		s->tell(s->owner);
	free(s->target);
	free(s->copy);
}

/* ---- the thread ---- */

/* The lock is held, but not meanwhile; there are some. Their places are free when they are done. */
static void do_some(struct planter *p)
{
	size_t count = p->count < STEPS_WORTH ? p->count : STEPS_WORTH;
	bool failed = p->failed;
	struct err e = p->e;

	(void)pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < count; i++)
		do_step(p, &p->steps[(p->begin + i) % STEPS_MOST], &e, &failed);
	(void)pthread_mutex_lock(&p->lock);
	p->e = e;
	p->failed = failed;
	p->begin = (p->begin + count) % STEPS_MOST;
	p->count -= count;
	(void)pthread_cond_signal(&p->less);
}

static void *run(void *owner)
{
	struct planter *p = owner;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->ended || p->count) {
		if (p->count) {
			do_some(p);
			continue;
		}
		p->waits = true;
		p->worth = 0;
		(void)pthread_cond_wait(&p->more, &p->lock);
		p->waits = false;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

void planter_start(struct planter *p, const char *entry)
{
	if (p->asked)
		return;
	p->asked = true;
	p->entry = entry ? mem_copy(entry) : NULL;
	p->runs = pthread_create(&p->thread, NULL, run, p) == 0;
}

/* ---- who asks ---- */

static int ask(struct planter *p, struct step s)
{
	(void)pthread_mutex_lock(&p->lock);
	while (p->count == STEPS_MOST)
		(void)pthread_cond_wait(&p->less, &p->lock);
	p->steps[(p->begin + p->count++) % STEPS_MOST] = s;
	p->worth += s.tell ? TELL_WORTH : 1;
	if (p->waits && p->worth >= STEPS_WORTH)
		(void)pthread_cond_signal(&p->more);
	int status = p->failed ? -1 : 0;
	(void)pthread_mutex_unlock(&p->lock);
	return status;
}

int planter_directory(struct planter *p, const char *name, const struct plant_look *look,
		      struct err *e)
{
	if (!p->runs)
		return plant_directory(p->plant, name, look, e);
	return ask(p, (struct step){ take_directory, .name = mem_copy(name), .look = *look });
}

int planter_symlink(struct planter *p, const char *name, const char *target,
		    const struct plant_look *look, struct err *e)
{
	if (!p->runs)
		return plant_symlink(p->plant, name, target, look, e);
	return ask(p, (struct step){ take_symlink, .name = mem_copy(name),
				     .target = mem_copy(target), .look = *look });
}

int planter_hard_link(struct planter *p, const char *name, const char *target, struct err *e)
{
	if (!p->runs)
		return plant_hard_link(p->plant, name, target, e);
	return ask(p, (struct step){ take_hard_link, .name = mem_copy(name),
				     .target = mem_copy(target) });
}

int planter_file(struct planter *p, const char *name, uint64_t size, struct err *e)
{
	if (!p->runs)
		return plant_file(p->plant, name, size, e);
	return ask(p, (struct step){ take_file, .name = mem_copy(name), .n = size });
}

int planter_write(struct planter *p, const void *bytes, size_t count, uint64_t offset, bool stays,
		  struct err *e)
{
	if (!p->runs)
		return plant_write(p->plant, bytes, count, offset, e);
	void *copy = stays ? NULL : memcpy(mem_alloc(count + 1), bytes, count);

	return ask(p, (struct step){ take_write, .bytes = copy ? copy : bytes, .copy = copy,
				     .count = count, .n = offset });
}

int planter_file_end(struct planter *p, const struct plant_look *look, struct err *e)
{
	if (!p->runs)
		return plant_file_end(p->plant, look, e);
	return ask(p, (struct step){ take_file_end, .look = *look });
}

int planter_tell(struct planter *p, void (*tell)(void *owner), void *owner)
{
	if (p->runs)
		return ask(p, (struct step){ .tell = tell, .owner = owner });
	tell(owner);
	return 0;
}

int planter_end(struct planter *p, struct err *e)
{
	if (p->runs) {
		(void)pthread_mutex_lock(&p->lock);
		p->ended = true;
		(void)pthread_cond_signal(&p->more);
		(void)pthread_mutex_unlock(&p->lock);
		(void)pthread_join(p->thread, NULL);
	}
	int status = p->failed ? -1 : 0;
	if (p->failed)
		*e = p->e;
	(void)pthread_cond_destroy(&p->less);
	(void)pthread_cond_destroy(&p->more);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->entry);
	free(p);
	return status;
}
