/* SPDX-License-Identifier: Apache-2.0 */
/* trigger_list: see trigger_list.h. */
#include "reloader/trigger_list.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/setting_object.h"
#include "reloader/trigger.h"

/* What an object may set. */
static const struct setting_group *const groups[] = {
	&reload_http_rows, &reload_signal_rows, &reload_process_rows,
	&reload_try_rows,  &reload_retry_rows,
};
static const struct setting_object object = {
	.what = "a trigger",
	.groups = groups,
	.count = sizeof(groups) / sizeof(groups[0]),
	.prefix = sizeof("reload-") - 1,
	.size = sizeof(struct reload_settings),
};

/* What an object does not say is as in the plain settings or, without them, the default. */
static void set_rest(struct reload_settings *s, const struct reload_settings *plain)
{
	setting_object_init(&object, s);
	if (!plain)
		return;
	s->timeout = plain->timeout;
	s->backoff = plain->backoff;
	s->connect_timeout = plain->connect_timeout;
	s->ca_file = plain->ca_file ? mem_copy(plain->ca_file) : NULL;
}

static int read_item(const char *text, const struct reload_settings *plain,
		     struct reload_settings *ret, struct err *e)
{
	struct json *j = json_read(text, e);
	int status = -1;

	if (!j)
		return -1;
	set_rest(ret, plain);
	if (setting_object_set(&object, ret, j, e) == 0)
		status = trigger_check(ret, e);
	if (status == 0 && !ret->url && !ret->signal && !ret->command.count)
		status = err_set(e, ERR_USAGE, "expected a \"url\", a \"signal\" or a \"command\"");
	if (status < 0)
		setting_object_clear(&object, ret);
	json_free(j);
	return status;
}

int trigger_list_check_item(const char *text, struct err *e)
{
	struct reload_settings s;

	if (read_item(text, NULL, &s, e) < 0)
		return -1;
	setting_object_clear(&object, &s);
	return 0;
}

int trigger_list_check(const struct reload_settings *s, struct err *e)
{
	if (s->triggers.count > TRIGGERS_MOST)
		return err_set(e, ERR_USAGE, "trigger: more than %d of them", TRIGGERS_MOST);
	if (s->triggers.count && (s->url || s->signal || s->command.count || s->headers.count ||
				  s->body || s->socket.kind))
		return err_set(e, ERR_USAGE,
			       "trigger cannot be together with reload-url, reload-socket, "
			       "reload-header, reload-body, reload-signal or reload-command: put "
			       "them into a "
			       "trigger");
	return trigger_check(s, e);
}

static int add_item(struct loop *l, const struct reload_settings *plain, const char *text,
		    struct trigger_list *list, struct err *e)
{
	struct reload_settings *own = mem_alloc(sizeof(*own));

	if (read_item(text, plain, own, e) < 0) {
		free(own);
		return -1;
	}
	list->settings[list->count] = own;
	list->count++;
	return trigger_new(l, own, &list->items[list->count - 1], e);
}

int trigger_list_new(struct loop *l, const struct reload_settings *s, struct trigger_list *ret,
		     struct err *e)
{
	int status = trigger_list_check(s, e);

	*ret = (struct trigger_list){ 0 };
	if (status == 0 && !s->triggers.count) {
		status = trigger_new(l, s, &ret->items[0], e);
		ret->count = ret->items[0] != NULL;
	}
	for (size_t i = 0; i < s->triggers.count && status == 0; i++)
		status = add_item(l, s, s->triggers.items[i], ret, e);
	if (status < 0) {
		for (size_t i = 0; i < ret->count; i++)
			trigger_free(ret->items[i]);
		trigger_list_done(ret);
	}
	return status;
}

void trigger_list_done(struct trigger_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->settings[i])
			setting_object_clear(&object, list->settings[i]);
		free(list->settings[i]);
	}
	*list = (struct trigger_list){ 0 };
}
