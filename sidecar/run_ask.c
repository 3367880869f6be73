/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_ask: a sync that a person asks for: back to an older version, or one against the shrink
 * guard. One at a time; who asked is told what came of it when the child has ended.
 */
#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/one_sync.h"
#include "sidecar/run.h"
#include "sidecar/update.h"
#include "sync/rollback.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static void refuse(struct http_request *request, enum err_kind kind, const char *why)
{
	struct sync_report report = { 0 };

	(void)err_set(&report.e, kind, "%s", why);
	owned char *text = sync_report_print(&report);
	http_request_answer(request, 200, "application/json", text);
}

void run_ask_begin(struct run *r, const char *flag)
{
	r->asked = mem_copy(flag);
	if (r->sync_child.pid)
		return;
	loop_timer_stop(r->loop, &r->next_sync);
	run_sync_begin(r);
}

static void ask(struct run *r, struct http_request *request, const char *flag)
{
	if (r->update && r->asked_runs) {
		child_signal(&r->sync_child, SIGKILL);
		refuse(request, ERR_REMOTE, "an update was being tried, and is stopped: ask again");
	} else if (r->asked) {
		refuse(request, ERR_REMOTE, "somebody else's request is being carried out");
	} else if (r->sync.state.lock < 0) {
		refuse(request, ERR_REMOTE, "another sidecar has the target");
	} else {
		r->asker = request;
		run_ask_begin(r, flag);
	}
}

/* The body is WHAT, and TARGET on a line of its own if it has to be that one. */
static bool split_body(struct http_request *request, const struct run *r, char **ret_what)
{
	const char *body = http_request_body(request);
	const size_t length = body ? strcspn(body, "\n") : 0;
	const char *target = body && body[length] ? body + length + 1 : "";
	struct stat theirs, ours;
	const char *why;

	if (r->config->serve.update_token_file && run_update_check_token(r, request, &why)) {
		refuse(request, ERR_USAGE, why);
		return false;
	}
	if (*target && (stat(target, &theirs) < 0 || stat(r->config->sync.target, &ours) < 0 ||
			theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)) {
		refuse(request, ERR_USAGE, "the 'run' of this container has another target");
		return false;
	}
	*ret_what = mem_copy_part(body ? body : "", length);
	return true;
}

void run_ask_rollback(struct http_request *request, void *owner)
{
	owned char *to = NULL;
	struct err e;

	if (!split_body(request, owner, &to))
		return;
	owned char *flag = mem_format("--back=%s", to);
	if (!text_is(to, ONE_SYNC_NEWEST) && rollback_check_text(to, &e) < 0) {
		refuse(request, ERR_USAGE, e.text);
		return;
	}
	log_info("asked to go back to %s", text_is(to, ONE_SYNC_NEWEST) ? "an older version" : to);
	ask(owner, request, flag);
}

void run_ask_force(struct http_request *request, void *owner)
{
	owned char *nothing = NULL;

	if (!split_body(request, owner, &nothing))
		return;
	log_info("asked to sync whatever the guards say");
	ask(owner, request, "--force");
}

void run_ask_back(struct run *r, const char *digest)
{
	owned char *flag = mem_format("--back=%s", digest);

	r->undoes_update = update_is_there(&r->sync.state);
	run_ask_begin(r, flag);
}

void run_ask_no_back(struct run *r)
{
	if (r->asked && !r->asker && !r->update)
		run_ask_stop(r);
}

bool run_ask_is_next(const struct run *r)
{
	return r->asked && !r->asked_runs;
}

bool run_ask_answer(struct run *r, const struct sync_report *report)
{
	r->went_back = r->asked_runs && !r->asker && !r->update;
	if (!r->asked_runs)
		return false;
	r->sync_again |= r->went_back && r->undoes_update;
	if (r->update)
		run_update_synced(r, report);
	if (r->asker) {
		owned char *text = sync_report_print(report);

		http_request_answer(r->asker, 200, "application/json", text);
		/* What a person wants is wanted, whatever a reload said of it. */
		if (report->done)
			run_reload_forgive(r);
	}
	run_ask_stop(r);
	return true;
}

void run_ask_stop(struct run *r)
{
	free(r->asked);
	free(r->update);
	r->asked = r->update = NULL;
	r->asker = NULL;
	r->asked_runs = false;
}
