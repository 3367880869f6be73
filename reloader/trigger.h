/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger: one way to make the game reload, asked once and answering once.
 *
 * A trigger has at most one try under way. Each way is a struct that begins with struct trigger,
 * made by its own trigger_*_new().
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct loop;
struct reload_settings;
struct trigger;

#define TRIGGER_VERSION_SIZE 48

/* What is being reloaded. */
struct trigger_key {
	char digest[40]; /* "" when it is not known */
	int64_t serial;
	char version[TRIGGER_VERSION_SIZE]; /* its label, or "" */
	int64_t proven_from; /* clock_ms(): what was done before proves nothing; 0: no proof */
};

struct trigger_outcome {
	bool done;          /* the game says it has reloaded */
	bool not_there_yet; /* it cannot be reached (yet): nothing was asked of it */
	struct err e;       /* why it is not done */
	const char *output; /* the last lines of a command's output, "" for other ways */
};

struct trigger_way {
	/* Calls trigger->on_done once, perhaps from inside. The try may take timeout_ms. */
	void (*start)(struct trigger *t, const struct trigger_key *key, int64_t timeout_ms);
	/* on_done of a try under way will not be called. */
	void (*cancel)(struct trigger *t);
	void (*free)(struct trigger *t);
};

struct trigger {
	const struct trigger_way *way;
	char *name; /* for people: "http http://127.0.0.1:3000/reload" */
	void (*on_done)(struct trigger *t, const struct trigger_outcome *outcome);
	void *owner;
};

/* settings are kept, not copied. */
struct trigger *trigger_http_new(struct loop *l, const struct reload_settings *s, struct err *e);
struct trigger *trigger_signal_new(const struct reload_settings *s);
struct trigger *trigger_command_new(struct loop *l, const struct reload_settings *s);

/* Signals the process *pid, a child of ours (wrap); not there yet while *pid is 0. */
struct trigger *trigger_child_new(int signal, const int *pid);

/*
 * The way that the settings ask for. *ret is NULL when they ask for none. ERR_USAGE when they ask
 * for two, or for half of one.
 */
int trigger_check(const struct reload_settings *s, struct err *e);
int trigger_new(struct loop *l, const struct reload_settings *s, struct trigger **ret,
		struct err *e);

void trigger_free(struct trigger *t);
