/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_update: POST /v1/update. The child of the next sync tries it; who asked is answered when it
 * is known what came of it, the reload included:
 *
 *   200  "unchanged": it is what the target holds; "published": and there is no reload to do;
 *        "acknowledged": and the game has reloaded it
 *   202  "accepted", with "Prefer: respond-async" (RFC 7240): it is being tried, see /status
 *   400, 401, 403, 409, 500, 503, 504  "rejected", and why: nothing was changed
 *   502  the same, since it could not be had; or "published", but its reload failed
 */
#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/token.h"
#include "sidecar/run.h"

static int status_of(const struct err *e)
{
	switch (e->kind) {
	case ERR_USAGE:
		return 400;
	case ERR_REMOTE:
		return 502;
	case ERR_DEADLINE:
		return 504;
	default:
		return 500;
	}
}

static void answer(const struct run *r, struct http_request *request, int status, const char *state,
		   const char *error)
{
	const struct record *published = &r->report.result.published;
	struct json *j = json_object();

	json_put_text(j, "state", state);
	json_put_text(j, "error", error);
	json_put_text(j, "published", published->digest[0] ? published->digest : NULL);
	json_put_text(j, "label", published->label);
	json_put_number(j, "serial", (double)published->serial);
	owned char *text = json_print(j, true);
	json_free(j);
	http_request_answer(request, status, "application/json", text);
}

/* What came of it: for who asked, and for /status. */
static void conclude(struct run *r, int status, const char *state, const char *error)
{
	if (error)
		log_error("update %s: %s", state, error);
	else
		log_info("update %s", state);
	r->update_state = state;
	free(r->update_error);
	r->update_error = error ? mem_copy(error) : NULL;
	if (r->updater)
		answer(r, r->updater, status, state, error);
	r->updater = NULL;
}

int run_update_check_token(const struct run *r, struct http_request *request, const char **why)
{
	const char *file = r->config->serve.update_token_file;
	struct err e;

	if (!http_request_is_tcp(request))
		return 0;
	*why = "not over the network: update-token-file is not set";
	if (!file)
		return 403;
	int status = token_check(file, http_request_header(request, "Authorization"), &e);
	if (status < 0)
		log_error("no update is taken: %s", e.text);
	*why = status < 0 ? "the token cannot be read, see the log"
			  : "expected the header Authorization: Bearer TOKEN";
	return status < 0 ? 503 : status > 0 ? 401 : 0;
}

/* 0, or the status to refuse it with. */
static int check(const struct run *r, struct http_request *request, const char **why)
{
	int status = run_update_check_token(r, request, why);

	if (status)
		return status;
	*why = "no update is taken: update-sources is not set";
	if (!r->config->fetch.update_sources.count)
		return 403;
	*why = "another sidecar has the target";
	if (r->sync.state.lock < 0)
		return 503;
	*why = "another request is being carried out";
	return r->asked ? 409 : 0;
}

void run_update(struct http_request *request, void *owner)
{
	struct run *r = owner;
	const char *why, *body = http_request_body(request);
	int status = check(r, request, &why);

	if (status) {
		log_warn("update rejected: %s", why);
		answer(r, request, status, "rejected", why);
		return;
	}
	if (r->update_waits)
		conclude(r, 502, "published", "another update came before its reload was done");
	r->update_waits = false;
	log_info("asked to take an update");
	r->update = mem_copy(body ? body : "");
	r->updater = request;
	r->update_state = "accepted";
	if (http_request_prefers(request, "respond-async")) {
		r->updater = NULL;
		http_request_add_header(request, "Preference-Applied", "respond-async");
		answer(r, request, 202, "accepted", NULL);
	}
	run_ask_begin(r, "--update");
}

/* Or there is no reload to do. */
static bool is_reloaded(const struct run *r, const struct record *published)
{
	return !r->reload.name || (r->reload.state == RELOAD_ACKNOWLEDGED &&
				   r->reload.wanted.serial == published->serial);
}

void run_update_synced(struct run *r, const struct sync_report *report)
{
	if (!report->done) {
		conclude(r, status_of(&report->e), "rejected", report->e.text);
		return;
	}
	if (!report->result.changed && is_reloaded(r, &report->result.published)) {
		/* With another label, perhaps. */
		r->report.result.published = report->result.published;
		conclude(r, 200, "unchanged", NULL);
		return;
	}
	r->update_waits = true;
	r->update_serial = report->result.published.serial;
}

void run_update_judge(struct run *r)
{
	const struct record *published = &r->report.result.published;
	const struct reload *reload = &r->reload;

	if (!r->update_waits || published->serial < r->update_serial)
		return;
	if (reload->name && published->serial == r->update_serial) {
		if (reload->wanted.serial != published->serial || reload->state == RELOAD_OWED ||
		    reload->state == RELOAD_SENT)
			return;
	}
	r->update_waits = false;
	if (!reload->name)
		conclude(r, 200, "published", NULL);
	else if (published->serial != r->update_serial)
		conclude(r, 502, "published", "another version came before its reload was done");
	else if (reload->state == RELOAD_ACKNOWLEDGED)
		conclude(r, 200, "acknowledged", NULL);
	else
		conclude(r, 502, "published", reload_last_error(reload));
}

struct json *run_update_status(const struct run *r)
{
	struct json *j = json_object();

	json_put_text(j, "state", r->update_state);
	json_put_text(j, "error", r->update_error);
	return j;
}
