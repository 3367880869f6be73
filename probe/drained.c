/* SPDX-License-Identifier: Apache-2.0 */
/* drained: see drained.h. */
#include "probe/drained.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "probe/settings.h"
#include "probe/source_settings.h"

#define AT(field) offsetof(struct drained_settings, field)

/* The published script's way to tell, in the label game.kruise.io/gs-state. */
#define STATE_LEAVING "PreDelete"

static const struct setting rows[] = {
	{ .name = "probe-state-file",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = AT(state_file),
	  .help = "For `drained`: a file of a downward API volume with the label "
		  "`game.kruise.io/gs-state`." },
	{ .name = "probe-tcp-port",
	  .value = "PORT",
	  .type = SETTING_LIST,
	  .offset = AT(tcp_port),
	  .check = source_check_port,
	  .help = "For `drained`: a TCP port that players connect to; may be given several "
		  "times." },
	{ .name = "probe-except",
	  .value = "PEER",
	  .type = SETTING_LIST,
	  .offset = AT(except),
	  .help = "For `drained`: whose connections do not count: an address, a network such as "
		  "10.0.0.0/8, or `loopback` for the pod itself; may be given several times." },
	{ .name = "probe-prometheus",
	  .value = "URL",
	  .type = SETTING_URL,
	  .offset = AT(prometheus),
	  .help = "For `drained`: the Prometheus that knows how many players are left." },
	{ .name = "probe-query",
	  .value = "PROMQL",
	  .type = SETTING_TEXT,
	  .offset = AT(query),
	  .help = "For `drained`: the query for their number." },
	{ .name = "probe-empty",
	  .value = "WHAT",
	  .type = SETTING_CHOICE,
	  .offset = AT(empty),
	  .standard = "unknown",
	  .choices = source_empties,
	  .help = "For `drained`: what a query without a result means, unknown or zero." },
};
const struct setting_group drained_rows = SETTING_GROUP(rows);

bool drained_wanted(const struct drained_settings *s)
{
	return s->state_file || s->tcp_port.count || s->prometheus || s->query;
}

int drained_check(const struct drained_settings *s, struct err *e)
{
	if (!s->prometheus != !s->query)
		return err_set(e, ERR_USAGE, "probe-prometheus and probe-query go together");
	if (s->except.count && !s->tcp_port.count)
		return err_set(e, ERR_USAGE, "probe-except needs probe-tcp-port");
	if (!s->tcp_port.count && !s->prometheus)
		return err_set(e, ERR_USAGE,
			       "expected probe-tcp-port, or probe-prometheus and probe-query: who "
			       "is left has to be counted");
	return 0;
}

static void add_json(struct list *to, struct json *j)
{
	owned char *text = json_print(j, false);

	list_add(to, text);
	json_free(j);
}

static struct json *source(const char *name)
{
	struct json *j = json_object();

	json_put_text(j, "name", name);
	return j;
}

static void add_sources(const struct drained_settings *s, struct list *to)
{
	if (s->state_file) {
		struct json *state = source("state");

		json_put_text(state, "file", s->state_file);
		add_json(to, state);
	}
	if (s->tcp_port.count) {
		struct json *tcp = source("connected");

		json_put(tcp, "tcp", json_list(&s->tcp_port));
		json_put(tcp, "except", json_list(&s->except));
		add_json(to, tcp);
	}
	if (s->prometheus) {
		struct json *asked = source("players");

		json_put_text(asked, "prometheus", s->prometheus);
		json_put_text(asked, "query", s->query);
		json_put_text(asked, "empty", source_empties[s->empty]);
		add_json(to, asked);
	}
}

static struct json *is_leaving(void)
{
	struct json *j = json_object();

	json_put_text(j, "source", "state");
	json_put_text(j, "equals", STATE_LEAVING);
	return j;
}

/* A count that is zero, or, for somebody being left, at least 1. */
static void add_count(struct json *list, const char *source_name, bool none)
{
	struct json *j = json_object();

	json_put_text(j, "source", source_name);
	json_put_number(j, none ? "equals" : "min", none ? 0 : 1);
	json_add(list, j);
}

static struct json *counts(const struct drained_settings *s, bool none)
{
	struct json *j = json_object(), *list = json_array();

	if (s->tcp_port.count)
		add_count(list, "connected", none);
	if (s->prometheus)
		add_count(list, "players", none);
	json_put(j, none ? "all" : "any", list);
	return j;
}

static struct json *both(const struct drained_settings *s, struct json *second)
{
	struct json *j = json_object(), *list = json_array();

	if (s->state_file)
		json_add(list, is_leaving());
	json_add(list, second);
	json_put(j, "all", list);
	return j;
}

static void add_rule(struct json *list, struct json *when, const char *result, bool pass)
{
	struct json *rule = json_object();

	json_put(rule, "if", when);
	json_put_text(rule, "result", result);
	json_put_bool(rule, "pass", pass);
	json_add(list, rule);
}

void drained_write(const struct drained_settings *s, struct probe_settings *ret)
{
	struct json *probe = source(DRAINED_NAME), *list = json_array();

	add_sources(s, &ret->sources);
	add_rule(list, both(s, counts(s, true)), "done", true);
	add_rule(list, both(s, counts(s, false)), "draining", false);
	if (s->state_file) {
		struct json *not = json_object();

		json_put(not, "not", is_leaving());
		add_rule(list, not, "serving", false);
	}
	json_put(probe, "rules", list);
	add_json(&ret->rules, probe);
}
