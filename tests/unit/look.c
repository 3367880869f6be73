/* SPDX-License-Identifier: Apache-2.0 */
/* look: see look.h. */
#include "tests/unit/look.h"
#include "tests/unit/unit.h"

#include "base/child.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/http_client.h"
#include "base/text.h"

#include <signal.h>
#include <string.h>

static void on_signal(struct signals *s, int number)
{
	(void)s;
	if (number == SIGCHLD)
		child_reap();
}

static void on_reading(struct source *s, const struct reading *r)
{
	struct looker *l = s->owner;

	l->reading = *r;
	source_take(s, r);
	loop_stop(s->world->loop, 0);
}

void look_open(struct looker *l, const char *text)
{
	struct err e = { 0 };

	*l = (struct looker){ .signals = { .watch = { .fd = -1 }, .on_signal = on_signal } };
	if (source_settings_read(text, &l->settings, &e) < 0)
		fail_msg("%s", e.text);
	l->world.loop = loop_new(&e);
	assert_non_null(l->world.loop);
	assert_int_equal(signals_start(&l->signals, l->world.loop, &e), 0);
	if (source_open(&l->source, &l->settings, &l->world, &e) < 0)
		fail_msg("%s", e.text);
	l->source.on_reading = on_reading;
	l->source.owner = l;
}

const struct reading *look(struct looker *l)
{
	uint64_t looks = l->source.looks;

	source_start(&l->source, false);
	if (l->source.looks == looks)
		(void)loop_run(l->world.loop);
	assert_int_equal(l->source.looks, looks + 1);
	return &l->reading;
}

void look_close(struct looker *l)
{
	source_close(&l->source);
	source_settings_done(&l->settings);
	loop_watch_stop(l->world.loop, &l->signals.watch);
	fd_close(&l->signals.watch.fd);
	http_client_free(l->world.http);
	loop_free(l->world.loop);
	(void)sigprocmask(SIG_SETMASK, signals_original_mask(), NULL);
}

void look_expect(struct looker *l, bool known, const char *text)
{
	const struct reading *r = look(l);

	if (r->known != known || (known ? !text_is(r->text, text) : !strstr(r->why, text)))
		fail_msg("expected %s '%s', got %s '%s'", known ? "known" : "unknown", text,
			 r->known ? "known" : "unknown", r->known ? r->text : r->why);
}

void look_once_expect(const char *settings, bool known, const char *text)
{
	struct looker l;

	look_open(&l, settings);
	look_expect(&l, known, text);
	look_close(&l);
}

void look_refused(const char *settings, const char *part)
{
	struct source_settings s;
	struct err e = { 0 };

	assert_int_equal(source_settings_read(settings, &s, &e), -1);
	if (!strstr(e.text, part))
		fail_msg("'%s' is not in: %s", part, e.text);
}
