/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_probes: the probes of the resident: what they may know of it, what of them outlives it, what
 * the log tells, and their pages.
 *
 *   both     GET /probe/NAME     the word, 200 or 503
 *            GET /probes         JSON: readings, their age, why each rule holds or not
 *   control  GET /v1/probe/NAME  for `gs-sidecar probe NAME`
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/text.h"
#include "sidecar/ask_probe.h"
#include "sidecar/run.h"

#include <stdio.h>
#include <string.h>

#define VERSION_1 "/v1"
#define PAGE "/probe/"
#define ASK VERSION_1 PAGE

/* ---- what sources may ask of us ---- */

static const char *know(void *owner, const char *what)
{
	struct run *r = owner;
	const struct record *published = &r->report.result.published;
	const char *reason, *text;

	if (text_is(what, "ready"))
		return run_is_ready(r, &reason) ? "true" : "false";
	if (!r->facts.published)
		return NULL;
	if (text_is(what, "reload"))
		text = r->reload.name ? reload_state_name(r->reload.state) : NULL;
	else
		text = text_is(what, "digest") ? published->digest : published->label;
	return text && *text ? text : NULL;
}

/* ---- what is told, and kept ---- */

static void on_verdict(void *owner, const struct rules *rules, const struct verdict *v)
{
	(void)owner;
	if (v->why[0])
		log_info("probe %s: %s (%s)", rules->name, v->word, v->why);
	else
		log_info("probe %s: %s, %s, by rule %d", rules->name, v->word,
			 v->pass ? "pass" : "fail", (int)(rules->holds - rules->items) + 1);
}

static void on_evidence(void *owner)
{
	struct run *r = owner;
	struct err e;

	/* Without the lock the directory is another sidecar's; we try again at the next reading. */
	if (r->sync.state.lock < 0) {
		panel_evidence_lost(&r->panel);
		return;
	}
	owned char *text = panel_evidence(&r->panel);
	bool unsaved = state_save_probes(&r->sync.state, text, &e) < 0;
	if (unsaved && !r->probes_unsaved)
		log_warn("a restart will forget how long conditions of probes have held: %s",
			 e.text);
	r->probes_unsaved = unsaved;
}

/* ---- numbers ---- */

/* One for each probe and two for each source; listed for as long as the program runs. */
static struct metric *metrics;

static struct metric *list_metric(struct metric *m, const char *name, const char *label,
				  const char *value, const char *help)
{
	*m = (struct metric){ .name = name,
			      .labels = mem_format("%s=\"%s\"", label, value),
			      .help = help,
			      .kind = text_ends(name, "_total") ? METRIC_COUNTER : METRIC_GAUGE };
	metric_list(m);
	return m + 1;
}

static void list_metrics(const struct probe_plan *plan)
{
	struct metric *m = mem_alloc((plan->probe_count + 2 * plan->source_count + 1) * sizeof(*m));

	metrics = m;
	for (size_t i = 0; i < plan->probe_count; i++)
		m = list_metric(m, "gs_sidecar_probe_pass", "probe", plan->probes[i].name,
				"1 while the probe passes.");
	for (size_t i = 0; i < plan->source_count; i++)
		m = list_metric(m, "gs_sidecar_probe_source_known", "source", plan->sources[i].name,
				"1 while what the source says is known.");
	for (size_t i = 0; i < plan->source_count; i++)
		m = list_metric(m, "gs_sidecar_probe_source_failures_total", "source",
				plan->sources[i].name, "Looks that failed.");
}

void run_probes_metrics(struct run *r)
{
	const struct probe_plan *plan = &r->panel.plan;
	struct metric *m = metrics;

	for (size_t i = 0; i < plan->probe_count; i++)
		m++->value = panel_verdict(&r->panel, &plan->probes[i]).pass;
	for (size_t i = 0; i < plan->source_count; i++)
		m++->value = source_reading(&r->panel.sources[i], clock_ms())->known;
	for (size_t i = 0; i < plan->source_count; i++)
		m++->value = (double)r->panel.sources[i].failures;
}

struct json *run_probes_status(struct run *r)
{
	const struct probe_plan *plan = &r->panel.plan;
	struct json *list = json_array();

	for (size_t i = 0; i < plan->probe_count; i++) {
		struct verdict v = panel_verdict(&r->panel, &plan->probes[i]);
		struct json *j = json_object();

		json_put_text(j, "probe", plan->probes[i].name);
		json_put_text(j, "result", v.word);
		json_put_bool(j, "pass", v.pass);
		json_add(list, j);
	}
	return list;
}

/* ---- what reloads may ask ---- */

static struct reload_verdict ask(void *owner, const char *probe)
{
	struct run *r = owner;
	struct rules *rules = probe_plan_find(&r->panel.plan, probe);
	struct verdict v = panel_verdict(&r->panel, rules);
	struct reload_verdict ret = { .known = !v.why[0],
				      .pass = v.pass,
				      .seen_from = panel_seen_from(&r->panel, rules) };

	(void)snprintf(ret.word, sizeof(ret.word), "%s", v.word);
	return ret;
}

static int check_named(const struct probe_plan *plan, const char *setting, const char *name,
		       struct err *e)
{
	const struct rules *rules = name ? probe_plan_find(plan, name) : NULL;

	if (name && !rules)
		return err_set(e, ERR_USAGE, "%s: no probe is called '%s'", setting, name);
	for (size_t i = 0; rules && i < rules->count; i++)
		if (rules->items[i].refresh_ms)
			return err_set(e, ERR_USAGE,
				       "%s: the probe '%s' has a \"refresh\": its word is not "
				       "always the same",
				       setting, name);
	return 0;
}

/* What nobody looks at in time never proves anything. */
static int check_in_time(const struct probe_plan *plan, const struct reload_settings *s,
			 struct err *e)
{
	const struct rules *rules = s->prove_probe ? probe_plan_find(plan, s->prove_probe) : NULL;

	for (size_t i = 0; rules && i < plan->source_count; i++)
		if (rules->used[i] && plan->sources[i].every >= s->prove_within)
			return err_set(e, ERR_USAGE,
				       "prove-within: source \"%s\" is not looked at that often",
				       plan->sources[i].name);
	return 0;
}

int run_probes_check(const struct config *c, struct err *e)
{
	struct probe_plan plan;
	int status = probe_plan_read(&c->probe, NULL, &plan, e);

	if (status == 0)
		status = check_named(&plan, "prove-probe", c->reload.prove_probe, e);
	if (status == 0)
		status = check_named(&plan, "reload-idle-probe", c->reload.idle_probe, e);
	if (status == 0)
		status = check_in_time(&plan, &c->reload, e);
	probe_plan_done(&plan);
	return status;
}

/* ---- life ---- */

int run_probes_start(struct run *r, struct err *e)
{
	const struct source_world world = { .loop = r->loop, .sidecar = know, .owner = r };
	struct probe_plan plan;

	if (probe_plan_read(&r->config->probe, NULL, &plan, e) < 0) {
		probe_plan_done(&plan);
		return -1;
	}
	if (panel_init(&r->panel, &plan, &world, e) < 0)
		return -1;
	r->panel.on_verdict = on_verdict;
	r->panel.on_evidence = on_evidence;
	r->panel.owner = r;
	r->reload.probes = (struct reload_probes){ ask, r };
	list_metrics(&r->panel.plan);
	for (size_t i = 0; i < r->panel.plan.probe_count; i++) {
		owned char *path = mem_format(ASK "%s", r->panel.plan.probes[i].name);

		list_add(&r->probe_paths, path);
	}
	return 0;
}

void run_probes_begin(struct run *r)
{
	owned char *text = state_probes(&r->sync.state);

	if (text)
		panel_restore(&r->panel, text);
	panel_start(&r->panel, false);
}

void run_probes_stop(struct run *r)
{
	panel_done(&r->panel);
	list_clear(&r->probe_paths);
}

/* ---- pages ---- */

static struct verdict verdict_of(struct run *r, const char *name)
{
	return panel_verdict(&r->panel, probe_plan_find(&r->panel.plan, name));
}

static void answer_word(struct http_request *request, const struct verdict *v, bool always_200)
{
	http_request_answer(request, v->pass || always_200 ? 200 : 503, "text/plain", v->word);
}

static void on_page(struct http_request *request, void *owner)
{
	struct verdict v = verdict_of(owner, http_request_path(request) + sizeof(PAGE) - 1);

	answer_word(request, &v, false);
}

static void on_probe_listener(struct http_request *request, void *owner)
{
	struct run *r = owner;
	struct verdict v = verdict_of(r, http_request_path(request) + sizeof(PAGE) - 1);

	answer_word(request, &v, r->config->probe.always_200);
}

static void on_ask(struct http_request *request, void *owner)
{
	const char *name = http_request_path(request) + sizeof(ASK) - 1;
	struct verdict v = verdict_of(owner, name);
	owned char *text = ask_probe_answer(name, &v);

	http_request_answer(request, 200, "text/plain", text);
}

static void on_probes(struct http_request *request, void *owner)
{
	struct run *r = owner;
	struct json *j = panel_json(&r->panel, NULL);
	owned char *text = json_print(j, true);

	json_free(j);
	http_request_answer(request, 200, "application/json", text);
}

static void add_route(struct http_route *all, size_t *count, const char *path, http_handler *handle)
{
	all[(*count)++] = (struct http_route){ "GET", path, handle };
}

struct http_route *run_probes_routes(const struct run *r, const struct http_route *routes,
				     bool control)
{
	const struct probe_plan *plan = &r->panel.plan;
	size_t count = 0;

	while (routes[count].method)
		count++;
	struct http_route *all = mem_resize(NULL, count + 2 * plan->probe_count + 2, sizeof(*all));
	for (size_t i = 0; i < count; i++)
		all[i] = routes[i];
	add_route(all, &count, "/probes", on_probes);
	for (size_t i = 0; i < plan->probe_count; i++) {
		const char *ask = r->probe_paths.items[i];

		add_route(all, &count, ask + strlen(VERSION_1),
			  control ? on_page : on_probe_listener);
		if (control)
			add_route(all, &count, ask, on_ask);
	}
	all[count] = (struct http_route){ 0 };
	return all;
}
