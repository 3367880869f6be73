/* SPDX-License-Identifier: Apache-2.0 */
/* trigger: choosing the way. */
#include "reloader/trigger.h"

#include "base/mem.h"
#include "reloader/settings.h"

int trigger_check(const struct reload_settings *s, struct err *e)
{
	int ways = (s->url != NULL) + (s->signal != 0) + (s->command.count > 0);

	if (ways > 1)
		return err_set(e, ERR_USAGE,
			       "more than one way to reload is set: choose one of reload-url, "
			       "reload-signal and reload-command");
	if (s->socket.kind && !s->url)
		return err_set(e, ERR_USAGE, "reload-socket needs reload-url: what is asked there");
	if (ways && !s->timeout)
		return err_set(e, ERR_USAGE, "reload-timeout: expected more than 0s");
	if (s->signal && !s->process)
		return err_set(e, ERR_USAGE,
			       "reload-signal needs reload-process: which process gets it");
	if (s->process && !s->signal)
		return err_set(e, ERR_USAGE, "reload-process needs reload-signal: what it gets");
	return 0;
}

int trigger_new(struct loop *l, const struct reload_settings *s, struct trigger **ret,
		struct err *e)
{
	*ret = NULL;
	if (trigger_check(s, e) < 0)
		return -1;
	if (s->url)
		*ret = trigger_http_new(l, s, e);
	else if (s->signal)
		*ret = trigger_signal_new(s);
	else if (s->command.count)
		*ret = trigger_command_new(l, s);
	return s->url && !*ret ? -1 : 0;
}

void trigger_free(struct trigger *t)
{
	if (!t)
		return;
	t->way->cancel(t);
	free(t->name);
	t->way->free(t);
}
