/* SPDX-License-Identifier: Apache-2.0 */
/* publish: make a planned version the one that the target has. */
#pragma once

#include <stdbool.h>

struct err;
struct work;

/* Whether names of the planned version will come, change or go: else there is nothing to reload. */
bool publish_is_visible(const struct work *w);

/* Stages it, asks all guards and puts it live. */
int publish(struct work *w, struct err *e);

/* The same version with other times or owners, or under another label. */
int publish_refresh(struct work *w, struct err *e);
