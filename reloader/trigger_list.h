/* SPDX-License-Identifier: Apache-2.0 */
/* trigger_list: the triggers of a reload: the one way of the plain settings, or several. */
#pragma once

#include "reloader/settings.h"

struct loop;
struct trigger;

#define TRIGGERS_MOST 16

struct trigger_list {
	struct trigger *items[TRIGGERS_MOST];
	struct reload_settings *settings[TRIGGERS_MOST]; /* of each; NULL: the plain ones */
	size_t count;
};

/* Whether text is a JSON object with the settings of one trigger; ERR_USAGE. */
int trigger_list_check_item(const char *text, struct err *e);

/* ERR_USAGE when the settings ask for more than one way, half of one, or too many. */
int trigger_list_check(const struct reload_settings *s, struct err *e);

/* Empty when the settings ask for no way. s is kept, not copied. -1 with e, ret is empty then. */
int trigger_list_new(struct loop *l, const struct reload_settings *s, struct trigger_list *ret,
		     struct err *e);

/* The settings; the triggers themselves are freed by who took them. */
void trigger_list_done(struct trigger_list *list);
