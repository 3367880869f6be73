/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_sync: the sync engine runs as a child of the same binary, so that a large sync neither keeps
 * a probe waiting nor leaves its memory behind. It inherits the lock: should this process be
 * killed, the target stays locked until the child is gone too.
 */
#include "base/clock.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/watch.h"
#include "sidecar/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOCK_PAUSE_MS 50
#define SYNC_PAUSE_FIRST_MS 500
#define SYNC_PAUSE_MOST_MS 30000
#define OLD_TREES_LATER_MS 100
#define REPORT_MOST ((size_t)1024 * 1024)

static void try_again(struct run *r, const struct err *e)
{
	char span[CLOCK_TEXT_SIZE];

	r->sync_pause_ms = r->sync_pause_ms ? 2 * r->sync_pause_ms : SYNC_PAUSE_FIRST_MS;
	if (r->sync_pause_ms > SYNC_PAUSE_MOST_MS)
		r->sync_pause_ms = SYNC_PAUSE_MOST_MS;
	r->sync_error = *e;
	r->sync_failures++;
	r->facts.sync_failed = true;
	log_error("sync failed, trying again in %s: %s", clock_span(r->sync_pause_ms, span),
		  e->text);
	loop_timer_start(r->loop, &r->next_sync, r->sync_pause_ms);
}

static void close_output(struct run *r)
{
	if (r->sync_output.fd < 0)
		return;
	loop_watch_stop(r->loop, &r->sync_output);
	fd_close(&r->sync_output.fd);
}

/* False when there is no more for now. */
static bool read_output(struct run *r)
{
	char bytes[4096];
	ssize_t got = read(r->sync_output.fd, bytes, sizeof(bytes));

	if (got > 0)
		(void)buf_add(&r->sync_text, bytes, (size_t)got);
	return got > 0;
}

static void on_output(struct loop_watch *w, uint32_t events)
{
	struct run *r = w->owner;

	if (!read_output(r) && (events & EPOLLHUP))
		close_output(r);
}

/* The next sync takes away what is old by then, or fetches what is new by then. */
static void expect_next(struct run *r)
{
	int64_t pause = r->report.result.old_trees ? r->config->sync.grace + OLD_TREES_LATER_MS : 0;
	int64_t every = fetch_is_wanted(&r->config->sync.sources)
				? clock_jittered(r->config->fetch.every)
				: 0;

	if (every && (!pause || every < pause))
		pause = every;
	if (pause)
		loop_timer_start(r->loop, &r->next_sync, pause);
}

static void take_fetched(struct run *r, struct sync_report *report)
{
	if (!report->fetched)
		return;
	json_free(r->fetched);
	r->fetched = report->fetched;
	report->fetched = NULL;
}

/* A look at a source that has not changed is worth no line and no reload. */
static void take_report(struct run *r, const struct sync_report *report)
{
	bool first = !r->published_at, failed = r->sync_error.kind != ERR_NONE;
	const struct record *now = &report->result.published, *last = &r->report.result.published;
	/* Serials begin anew when somebody has removed the state directory. */
	bool news = first || now->serial != last->serial || !text_is(now->digest, last->digest);

	r->report = *report;
	expect_next(r);
	r->sync_error = report->e;
	r->sync_pause_ms = 0;
	r->facts.sync_failed = false;
	if (news || failed) {
		owned char *text = sync_report_say(report);
		log_info("%s", text);
	}
	run_reload_judge(r);
	if (!news) {
		run_tell_readiness(r);
		return;
	}
	r->published_at = clock_ms();
	r->changes += !first;
	run_ask_no_back(r);
	run_reload_published(r);
}

/* Nobody wants it tried again; but what else was to be done is done. */
static void asked_in_vain(struct run *r, const struct sync_report *report)
{
	if (r->asker)
		log_error("what was asked for failed: %s", report->e.text);
	else if (!r->update)
		log_error("it could not be gone back, staying unready; a new version, a restart or "
			  "'gs-sidecar reload' tries again: %s",
			  report->e.text);
	(void)run_ask_answer(r, report);
	if (r->sync_again || r->facts.sync_failed || !r->published_at)
		run_sync_begin(r);
	else
		expect_next(r);
}

static void on_sync_end(struct child *child, int status)
{
	struct run *r = child->owner;
	struct sync_report report = { 0 };
	struct err e = { 0 };

	while (r->sync_output.fd >= 0 && read_output(r))
		continue;
	close_output(r);
	r->syncs++;
	if (status > 128) {
		(void)err_set(&e, ERR_SYSTEM, "the sync was killed by signal %d", status - 128);
		/* Nobody tries again what was asked for, but the next one mends what it left. */
		r->sync_again |= r->asked_runs;
	} else if (sync_report_read(r->sync_text.data, &report, &e) == 0)
		e = report.e;
	buf_done(&r->sync_text);
	take_fetched(r, &report);
	if (r->asked_runs && e.kind != ERR_NONE) {
		report.e = e;
		asked_in_vain(r, &report);
		return;
	}
	(void)run_ask_answer(r, &report);
	if (e.kind != ERR_NONE) {
		if (r->sync_again)
			r->sync_pause_ms = 0; /* of what was there before */
		r->sync_again = false;
		try_again(r, &e);
		if (run_ask_is_next(r)) {
			loop_timer_stop(r->loop, &r->next_sync);
			run_sync_begin(r);
		}
		return;
	}
	take_report(r, &report);
	if (r->sync_again || run_ask_is_next(r))
		run_sync_begin(r);
}

static void add_flags(const struct setting *s, const char *values, struct list *flags)
{
	owned char *value = s->type == SETTING_LIST ? NULL : setting_show(s, values);
	const struct list *items = (const void *)(values + s->offset);

	for (size_t i = 0; s->type == SETTING_LIST && i < items->count; i++) {
		owned char *flag = mem_format("--%s=%s", s->name, items->items[i]);

		list_add(flags, flag);
	}
	owned char *flag = mem_format("--%s=%s", s->name, value ? value : "");
	if (value)
		list_add(flags, flag);
}

/* Where changes are told it is the watch that waits until the source is quiet. */
static void add_settle_flags(const struct run *r, struct list *flags)
{
	const struct source_watch_settings *s = &r->config->watch;

	if (!r->watch || !watch_polls(r->watch))
		return;
	owned char *settle = mem_format("--settle=%" PRId64 "ms", s->settle);
	owned char *longest = mem_format("--settle-longest=%" PRId64 "ms", s->longest);

	list_add(flags, settle);
	list_add(flags, longest);
}

/* The settings of the sync as flags: they win over whatever the child finds elsewhere. */
static void child_arguments(const struct run *r, struct list *l)
{
	struct config_row row;
	owned char *lock = mem_format("--inherited-lock=%d", r->sync.state.lock);

	list_add(l, "/proc/self/exe");
	list_add(l, "sync");
	list_add(l, "--json");
	list_add(l, lock);
	if (r->asked_runs)
		list_add(l, r->asked);
	add_settle_flags(r, l);
	for (size_t i = 0; config_row(i, &row); i++) {
		/* What is to be fetched it reads where we did: arguments are for all to see. */
		if (text_is(row.setting->name, "source") &&
		    r->config->ranks[i] < CONFIG_RANK_FLAG &&
		    fetch_is_wanted(&r->config->sync.sources))
			continue;
		if (row.group & (GROUP_TARGET | GROUP_SYNC | GROUP_LABEL | GROUP_GENERAL))
			add_flags(row.setting, (const char *)r->config + row.values, l);
	}
}

static int start_child(struct run *r, struct err *e)
{
	int ends[2];
	struct list arguments = { 0 };
	owned_fd update = -1;

	if (r->asked_runs && r->update) {
		update = io_memory_file(r->update, e);
		if (update < 0)
			return -1;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	owned_fd write_end = ends[1];
	r->sync_output.fd = ends[0];
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* Before the child: once that runs, nothing may fail. */
	if (loop_watch_start(r->loop, &r->sync_output, EPOLLIN, e) < 0) {
		fd_close(&r->sync_output.fd);
		return -1;
	}
	child_arguments(r, &arguments);
	const struct child_plan plan = {
		.argv = (const char *const *)arguments.items,
		.in = update,
		.out = write_end,
		.err = STDERR_FILENO,
		.pass = r->sync.state.lock,
		.dies_with_us = true,
	};
	int status = child_start(&r->sync_child, &plan, e);
	list_clear(&arguments);
	if (status < 0)
		close_output(r);
	return status;
}

static int take_lock(struct run *r, struct err *e)
{
	if (r->sync.state.lock >= 0)
		return 0;

	int status = sync_try_lock(&r->sync, &r->config->sync, e);
	if (status == 1 && !r->facts.waiting_for_lock)
		log_info("another sidecar has '%s': waiting until it is gone",
			 r->config->sync.target);
	if (status == 0 && r->facts.waiting_for_lock)
		log_info("the other sidecar is gone: taking over '%s'", r->config->sync.target);
	r->facts.waiting_for_lock = status == 1;
	if (status == 0)
		r->first_start = !state_acknowledged(&r->sync.state).digest[0];
	return status;
}

/* What may be better in a moment; anything else is a mistake in the manifest or the image. */
static bool is_passing(const struct err *e)
{
	return e->sys == ENOSPC || e->sys == EDQUOT || e->sys == EIO || e->sys == ENOMEM ||
	       e->sys == EMFILE || e->sys == ENFILE;
}

static int open_sync(struct run *r, struct err *e)
{
	int status = sync_open(&r->sync, &r->config->sync, e);

	if (status < 0)
		sync_close(&r->sync);
	return status;
}

/* Somebody has removed the state directory: what we hold open leads nowhere. */
static void look_for_state(struct run *r)
{
	if (r->sync.state.dir < 0 || state_is_there(&r->sync.state))
		return;
	log_warn("state directory '%s' was removed: beginning anew", r->sync.state.path);
	sync_close(&r->sync);
}

/* 0 when the lock is ours, 1 when somebody else has it, -1 with e. Listens in any case. */
static int prepare(struct run *r, struct err *e)
{
	struct err cannot_listen = { 0 };

	look_for_state(r);
	int status = r->sync.state.dir < 0 ? open_sync(r, e) : 0;

	if (status == 0)
		status = take_lock(r, e);
	if (run_pages_listen(r, &cannot_listen) == 0 || status < 0)
		return status;
	*e = cannot_listen;
	return -1;
}

int run_sync_open(struct run *r, struct err *e)
{
	if (prepare(r, e) >= 0)
		return 0;
	if (!is_passing(e))
		return -1;
	try_again(r, e);
	return 0;
}

void run_sync_begin(struct run *r)
{
	struct err e = { 0 };
	int status = prepare(r, &e);

	/* Else it would start a second one beside this one. */
	loop_timer_stop(r->loop, &r->next_sync);
	r->sync_again = false;
	r->asked_runs = status == 0 && r->asked;
	if (status == 1) {
		loop_timer_start(r->loop, &r->next_sync, LOCK_PAUSE_MS);
		return;
	}
	if (status < 0 || start_child(r, &e) < 0)
		try_again(r, &e);
}

/*
 * A poll knows of no change and comes again by itself: it hurries nothing. While the lock is
 * somebody else's a sync will come anyway.
 */
void run_sync_again(struct run *r)
{
	bool sure = !watch_polls(r->watch);

	if (r->sync_child.pid) {
		r->sync_again |= sure;
	} else if (!r->next_sync.armed || (sure && !r->facts.waiting_for_lock)) {
		loop_timer_stop(r->loop, &r->next_sync);
		run_sync_begin(r);
	}
}

static void on_next_sync(struct loop_timer *t)
{
	run_sync_begin(t->owner);
}

void run_sync_init(struct run *r)
{
	r->next_sync = (struct loop_timer){ .on_time = on_next_sync, .owner = r };
	r->sync_child = (struct child){ .on_exit = on_sync_end, .owner = r };
	r->sync_output = (struct loop_watch){ .fd = -1, .on_event = on_output, .owner = r };
	r->sync_text = BUF_INIT(REPORT_MOST);
}

/* At any moment: what the engine leaves half done the next start finishes. */
void run_sync_stop(struct run *r)
{
	loop_timer_stop(r->loop, &r->next_sync);
	child_signal(&r->sync_child, SIGKILL);
	if (r->sync_child.pid)
		child_forget(&r->sync_child);
	close_output(r);
	buf_done(&r->sync_text);
	json_free(r->fetched);
	free(r->update_error);
}
