/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publication: whether a gs-sidecar is just putting a version into a directory.
 *
 * Its state directory, in the target or beside it (sync/state.h), has "publishing.json" for as
 * long. Who may not look into that one is told no.
 */
#pragma once

#include <stdbool.h>

struct list;

/* Their names, or how these begin. */
#define PUBLICATION_STATE ".gs-sidecar"

/* Whether a directory entry of this name is a state directory. */
bool publication_is_state(const char *name);

/* Adds where the state directory of root is, or that of a target which root lies in. */
void publication_places(const char *root, struct list *ret);

bool publication_is_under_way(const struct list *places);
