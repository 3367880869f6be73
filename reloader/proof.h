/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: a second channel that says whether the game really runs what it was told to reload.
 *
 *   HTTP      GET prove-url: its status, its text, or a value in its JSON
 *   file      the game writes it: by its content, or by being newer than the reload
 *   process   a reload starts new worker processes
 *   probe     by what it has looked at since
 *
 * It is looked for again and again, soon at first and then less often, until it is there or
 * prove-within has passed.
 */
#pragma once

#include "base/err.h"

struct loop;
struct proof;
struct reload_probes;
struct reload_settings;
struct trigger_key;

/* *ret is NULL when no proof is wanted. settings and probes are kept, not copied. -1 with e. */
int proof_new(struct loop *l, const struct reload_settings *s, const struct reload_probes *probes,
	      struct proof **ret, struct err *e);
void proof_free(struct proof *p);

/* For people: "GET http://127.0.0.1:3000/version" */
const char *proof_name(const struct proof *p);

/* Before the trigger: remembers what is there, so that what is new can be told. */
void proof_before(struct proof *p);

/*
 * After it: looks until it is proven, why is NULL then, or the time is up. on_end is called once,
 * from the loop.
 */
void proof_begin(struct proof *p, const struct trigger_key *key,
		 void (*on_end)(void *owner, const struct err *why), void *owner);

/* on_end will not be called. */
void proof_cancel(struct proof *p);
