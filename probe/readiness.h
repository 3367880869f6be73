/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readiness: may this game server be called updated?
 *
 * Ready only when this container's version is published and the game has acknowledged its reload,
 * so that an unready sidecar stops a roll-out (maxUnavailable). Never sticky: computed from facts
 * each time. Liveness is not here: a process whose loop answers is alive, and restarting it would
 * not mend a remote.
 */
#pragma once

#include <stdbool.h>

struct readiness_facts {
	bool waiting_for_lock; /* another sidecar still has the target */
	bool published;        /* this container's version is what the target holds */
	bool sync_failed;      /* the last sync failed */
	bool reload_wanted;    /* a way to reload is configured */
	bool acknowledged;     /* the game has reloaded the published version */
	bool refused;          /* it has not, and nothing more is tried */
	bool unproven;         /* it says that it has, but the proof did not come */
	const char *failed;    /* why the sources' version is not to be called good; NULL: it is */
};

/* The reason in *ret_reason is for people: "ready" or what is missing. */
bool readiness_verdict(const struct readiness_facts *f, const char **ret_reason);
