/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panel: all sources and probes at work. Each source is looked at on its own timer, once for all
 * rules; after each look all rules are looked at.
 */
#pragma once

#include "probe/probe_plan.h"

struct json;

struct panel {
	struct probe_plan plan;
	struct source_world world;
	struct source *sources; /* as in plan */
	bool direct;
	size_t waiting; /* direct: for so many readings */
	struct told {
		const struct rule *holds;
		bool known;
	} * told;          /* of each probe */
	uint64_t evidence; /* what panel_evidence() said last, in short */
	bool evidence_told;

	/* Set by the caller before it starts; each may be NULL. */
	void (*on_verdict)(void *owner, const struct rules *r, const struct verdict *v);
	void (*on_evidence)(void *owner);
	void (*on_complete)(void *owner); /* direct: all has been looked at */
	void *owner;
};

/* Takes plan over, also when it fails. What world has besides http is set. *p must not move. */
int panel_init(struct panel *p, struct probe_plan *plan, const struct source_world *world,
	       struct err *e);
void panel_done(struct panel *p);

/*
 * Looks at all sources that rules name, again and again; direct: once, and conditions that take
 * time are unknown, since nobody has looked before.
 */
void panel_start(struct panel *p, bool direct);

/* What a probe of the plan says now. */
struct verdict panel_verdict(struct panel *p, struct rules *r);

/* Since when, clock_ms(), all has been looked at that it rests on; 0: not yet. */
int64_t panel_seen_from(const struct panel *p, const struct rules *r);

/* All readings with their age, and why each rule of the probe, NULL: of each, holds or not. */
struct json *panel_json(struct panel *p, const struct rules *only);

/*
 * How long conditions have held whose readings leave evidence, as text on the heap for the next
 * process; panel_restore() takes what is still true of it, before panel_start(). It is true on
 * this boot of the machine, with this configuration, and only while the evidence is the same.
 */
char *panel_evidence(struct panel *p);
void panel_evidence_lost(struct panel *p); /* it could not be kept: told again */
void panel_restore(struct panel *p, const char *text);
