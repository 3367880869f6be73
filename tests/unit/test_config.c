/* SPDX-License-Identifier: Apache-2.0 */
/* config: the real table of settings and the real commands. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

/* A command line of words, an environment of variables, and what a configuration file holds. */
struct input {
	const char *command;
	const char *arguments[8];
	const char *environment[8];
	const char *file; /* NULL: none; else read by --config, which is put in front */
};

struct output {
	struct config config;
	struct err e;
	int status;
	char *file;
};

static struct output load(const struct input *in)
{
	const char *arguments[12] = { NULL };
	size_t count = 0;
	struct output out = { 0 };

	config_init(&out.config);
	if (in->file) {
		out.file = mem_format("%s/c.json", unit_directory());
		assert_int_equal(
			io_replace_file(AT_FDCWD, out.file, in->file, strlen(in->file), &out.e), 0);
		arguments[count++] = "--config";
		arguments[count++] = out.file;
	}
	for (size_t i = 0; in->arguments[i]; i++)
		arguments[count++] = in->arguments[i];
	out.status = config_load(&out.config, command_find(in->command), (char **)arguments,
				 (char **)in->environment, &out.e);
	return out;
}

static void done(struct output *out)
{
	config_done(&out->config);
	free(out->file);
}

static struct output load_well(const struct input *in)
{
	struct output out = load(in);

	if (out.status < 0)
		fail_msg("%s", out.e.text);
	assert_int_equal(out.status, 0);
	return out;
}

/* expected: the whole message; %s in it is the file's name. */
static void assert_wrong(const struct input *in, const char *expected)
{
	struct output out = load(in);
	const char *place = strstr(expected, "%s");
	owned char *text = place ? mem_format("%.*s%s%s", (int)(place - expected), expected,
					      out.file, place + 2)
				 : mem_copy(expected);

	assert_int_equal(out.status, -1);
	assert_int_equal(out.e.kind, ERR_USAGE);
	assert_string_equal(out.e.text, text);
	done(&out);
}

#define DURATION_WANTED "expected a duration such as 250ms, 10s, 5m or 1h (at most 596h), got "

static void defaults_are_applied(void **state)
{
	struct output out = load_well(&(struct input){ .command = "run" });

	(void)state;
	assert_int_equal(out.config.reload.timeout, 30000);
	assert_int_equal(out.config.reload.deadline, 300000);
	assert_int_equal(out.config.reload.expect.least, 200);
	assert_int_equal(out.config.reload.expect.most, 299);
	assert_string_equal(out.config.reload.method, "POST");
	assert_int_equal(out.config.lock.wait, 30000);
	assert_int_equal(out.config.sync.sources.count, 0);
	assert_int_equal(out.config.serve.control.kind, ADDRESS_NONE);
	assert_string_equal(config_origin(&out.config, "reload-timeout"), "default");
	assert_string_equal(config_origin(&out.config, "no-such"), "default");
	done(&out);
}

static void the_strongest_source_wins(void **state)
{
	struct output out = load_well(&(struct input){
		.command = "run",
		.arguments = { "--reload-timeout", "1s" },
		.environment = { "GS_SIDECAR_RELOAD_TIMEOUT=2s", "GS_SIDECAR_RELOAD_BACKOFF=3s" },
		.file = "{\"reload-timeout\":\"4s\",\"reload-backoff\":\"5s\",\"reload-deadline\":"
			"\"6s\"}",
	});

	(void)state;
	assert_int_equal(out.config.reload.timeout, 1000);
	assert_int_equal(out.config.reload.backoff, 3000);
	assert_int_equal(out.config.reload.deadline, 6000);
	assert_int_equal(out.config.reload.connect_timeout, 2000);
	owned char *origin = mem_format("%s: \"reload-deadline\"", out.file);
	assert_string_equal(config_origin(&out.config, "reload-timeout"), "--reload-timeout");
	assert_string_equal(config_origin(&out.config, "reload-backoff"),
			    "GS_SIDECAR_RELOAD_BACKOFF");
	assert_string_equal(config_origin(&out.config, "reload-deadline"), origin);
	done(&out);
}

static void assert_headers(const struct input *in, const char *first, const char *second)
{
	struct output out = load_well(in);
	const struct list *headers = &out.config.reload.headers;

	assert_int_equal(headers->count, second ? 2 : 1);
	assert_string_equal(headers->items[0], first);
	if (second)
		assert_string_equal(headers->items[1], second);
	done(&out);
}

static void lists_are_replaced_not_mixed(void **state)
{
	static const char file[] = "{\"reload-header\":[\"F: 1\",\"F: 2\"]}";

	(void)state;
	assert_headers(&(struct input){ .command = "run", .file = file }, "F: 1", "F: 2");
	assert_headers(&(struct input){ .command = "run",
					.environment = { "GS_SIDECAR_RELOAD_HEADER=E: 1\nE: 2" },
					.file = file },
		       "E: 1", "E: 2");
	assert_headers(
		&(struct input){ .command = "run",
				 .arguments = { "--reload-header", "A: 1", "--reload-header=A: 2" },
				 .environment = { "GS_SIDECAR_RELOAD_HEADER=E: 1\nE: 2" },
				 .file = file },
		"A: 1", "A: 2");
	assert_headers(&(struct input){ .command = "run",
					.arguments = { "--reload-header", "A: 1" },
					.environment = { "GS_SIDECAR_RELOAD_HEADER=E: 1\nE: 2" } },
		       "A: 1", NULL);
	assert_headers(&(struct input){ .command = "run", .file = "{\"reload-header\":\"F: 1\"}" },
		       "F: 1", NULL);
}

/* `reload` knows its flags with and without "reload-": both mean the same list. */
static void both_names_of_a_flag_fill_one_list(void **state)
{
	(void)state;
	assert_headers(&(struct input){ .command = "reload",
					.arguments = { "--header", "A: 1", "--header", "A: 2" } },
		       "A: 1", "A: 2");
	assert_headers(
		&(struct input){ .command = "reload",
				 .arguments = { "--header", "A: 1", "--reload-header", "A: 2" } },
		"A: 1", "A: 2");
}

/* A word of a command may have lines: sh -c 'one\ntwo'. */
static void a_word_with_lines_stays_one(void **state)
{
	struct output flag = load_well(&(struct input){
		.command = "run",
		.arguments = { "--reload-command", "sh", "--reload-command", "a\nb" } });
	struct output file = load_well(&(struct input){
		.command = "run", .file = "{\"reload-command\":[\"sh\",\"a\\nb\"]}" });
	size_t from_flag = flag.config.reload.command.count;
	size_t from_file = file.config.reload.command.count;

	(void)state;
	done(&flag);
	done(&file);
	assert_int_equal(from_file, 2);
	assert_int_equal(from_flag, 2);
}

static void the_last_flag_wins(void **state)
{
	struct output out = load_well(&(struct input){
		.command = "reload",
		.arguments = { "--timeout", "1s", "--reload-timeout", "2s", "--timeout=3s" } });

	(void)state;
	assert_int_equal(out.config.reload.timeout, 3000);
	done(&out);
}

static void unknown_names_are_errors(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--sauce", "x" } },
		     "--sauce: no such flag of 'run', see 'gs-sidecar help run'");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--timeout=1s" } },
		     "--timeout: no such flag of 'run', see 'gs-sidecar help run'");
	assert_wrong(&(struct input){ .command = "sync", .arguments = { "--reload-url", "x" } },
		     "--reload-url: no such flag of 'sync', see 'gs-sidecar help sync'");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "-s", "x" } },
		     "-s: no such flag of 'run', see 'gs-sidecar help run'");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "-" } },
		     "-: no such flag of 'run', see 'gs-sidecar help run'");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--inherited-lock=3" } },
		     "--inherited-lock: no such flag of 'run', see 'gs-sidecar help run'");
	assert_wrong(&(struct input){ .command = "run",
				      .environment = { "HOME=/", "GS_SIDECAR_SAUCE=x" } },
		     "GS_SIDECAR_SAUCE: no setting has this name");
	assert_wrong(&(struct input){ .command = "run", .environment = { "GS_SIDECAR_source=/x" } },
		     "GS_SIDECAR_source: no setting has this name");
	assert_wrong(&(struct input){ .command = "run", .environment = { "GS_SIDECAR_=x" } },
		     "GS_SIDECAR_: no setting has this name");
	assert_wrong(&(struct input){ .command = "run",
				      .environment = { "GS_SIDECAR_INHERITED_LOCK=3" } },
		     "GS_SIDECAR_INHERITED_LOCK: no setting has this name");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"sauce\":\"x\"}" },
		     "%s: \"sauce\": no setting has this name");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"config\":\"x\"}" },
		     "%s: \"config\": no setting has this name");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"inherited-lock\":3}" },
		     "%s: \"inherited-lock\": no setting has this name");
}

static void service_links_are_passed_over(void **state)
{
	static const char *const links[] = {
		"GS_SIDECAR_SERVICE_HOST=10.0.0.1",
		"GS_SIDECAR_SERVICE_PORT=80",
		"GS_SIDECAR_SERVICE_PORT_HTTP=80",
		"GS_SIDECAR_PORT=tcp://10.0.0.1:80",
		"GS_SIDECAR_PORT_80_TCP=tcp://10.0.0.1:80",
		"GS_SIDECAR_PORT_80_TCP_PROTO=tcp",
		"GS_SIDECAR_PORT_80_TCP_PORT=80",
		"GS_SIDECAR_PORT_80_TCP_ADDR=10.0.0.1",
		"GS_SIDECAR_WEB_SERVICE_HOST=10.0.0.1",
		"GS_SIDECAR_WEB_SERVICE_PORT_HTTP=80",
		"GS_SIDECAR_WEB_PORT=udp://10.0.0.1:80",
		"GS_SIDECAR_WEB_PORT_80_UDP_ADDR=10.0.0.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct output out =
			load_well(&(struct input){ .command = "run", .environment = { links[i] } });

		done(&out);
	}
}

/* A Service called gs-sidecar-portal: "_PORT" is in its name too. */
static void service_links_of_odd_names_are_passed_over(void **state)
{
	static const char *const links[] = {
		"GS_SIDECAR_PORTAL_PORT=tcp://10.0.0.1:80",
		"GS_SIDECAR_PORTAL_PORT_80_TCP_ADDR=10.0.0.1",
		"GS_SIDECAR_PORT_PORT=tcp://10.0.0.1:80",
		"GS_SIDECAR_PORT_PORT_80_TCP_PROTO=tcp",
	};
	size_t passed = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct output out =
			load(&(struct input){ .command = "run", .environment = { links[i] } });

		passed += out.status == 0;
		done(&out);
	}
	assert_int_equal(passed, 4);
}

static void what_only_looks_like_a_service_link_is_not(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run", .environment = { "GS_SIDECAR_PORT=80" } },
		     "GS_SIDECAR_PORT: no setting has this name");
	assert_wrong(
		&(struct input){ .command = "run", .environment = { "GS_SIDECAR_PORTS=tcp://x" } },
		"GS_SIDECAR_PORTS: no setting has this name");
	assert_wrong(&(struct input){ .command = "run",
				      .environment = { "GS_SIDECAR_PROBE_PORT_NAME=x" } },
		     "GS_SIDECAR_PROBE_PORT_NAME: no setting has this name");
}

static void wrong_values_name_their_origin(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--reload-timeout=x" } },
		     "--reload-timeout: " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "reload", .arguments = { "--timeout", "x" } },
		     "--timeout: " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run",
				      .environment = { "GS_SIDECAR_RELOAD_TIMEOUT=x" } },
		     "GS_SIDECAR_RELOAD_TIMEOUT: " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run", .environment = { "GS_SIDECAR_SOURCE=" } },
		     "GS_SIDECAR_SOURCE: expected a value, got an empty text");
	assert_wrong(&(struct input){ .command = "run", .environment = { "GS_SIDECAR_SOURCE" } },
		     "GS_SIDECAR_SOURCE: expected a value, got an empty text");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-timeout\":\"x\"}" },
		     "%s: \"reload-timeout\": " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--source" } },
		     "--source: expected a value after it");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--source=" } },
		     "--source: expected a value, got an empty text");
}

static void overridden_is_wrong_all_the_same(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run",
				      .arguments = { "--reload-timeout=1s" },
				      .environment = { "GS_SIDECAR_RELOAD_TIMEOUT=x" } },
		     "GS_SIDECAR_RELOAD_TIMEOUT: " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run",
				      .arguments = { "--reload-timeout=1s" },
				      .file = "{\"reload-timeout\":\"x\"}" },
		     "%s: \"reload-timeout\": " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run",
				      .environment = { "GS_SIDECAR_RELOAD_TIMEOUT=1s" },
				      .file = "{\"reload-timeout\":\"x\"}" },
		     "%s: \"reload-timeout\": " DURATION_WANTED "'x'");
	assert_wrong(&(struct input){ .command = "run",
				      .arguments = { "--reload-header=A: 1" },
				      .file = "{\"reload-header\":[\"\"]}" },
		     "%s: \"reload-header\": expected a value, got an empty text");
}

static void json_types_are_checked(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-timeout\":5}" },
		     "%s: \"reload-timeout\": " DURATION_WANTED "'5'");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-timeout\":null}" },
		     "%s: \"reload-timeout\": expected a text, a number, true or false");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-timeout\":{}}" },
		     "%s: \"reload-timeout\": expected a text, a number, true or false");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-timeout\":[\"1s\"]}" },
		     "%s: \"reload-timeout\": expected a text, a number, true or false");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-header\":[1]}" },
		     "%s: \"reload-header\": expected texts in the list");
	assert_wrong(&(struct input){ .command = "run", .file = "{\"reload-header\":[[\"x\"]]}" },
		     "%s: \"reload-header\": expected texts in the list");
	assert_wrong(&(struct input){ .command = "run", .file = "[]" },
		     "%s: expected a JSON object");
	assert_wrong(&(struct input){ .command = "run", .file = "\"x\"" },
		     "%s: expected a JSON object");
	assert_wrong(&(struct input){ .command = "status", .file = "{\"json\":1}" },
		     "%s: \"json\": expected true or false, got '1'");
	assert_wrong(&(struct input){ .command = "run", .file = "{" },
		     "%s: not valid JSON near line 1");
	assert_wrong(&(struct input){ .command = "run", .file = "" },
		     "%s: not valid JSON near line 1");
}

static void json_values_are_taken(void **state)
{
	struct output out = load_well(&(struct input){
		.command = "status",
		.file = "{\"json\":true,\"reload-expect\":204,\"reload-signal\":1,"
			"\"reload-url\":\"http://h/\",\"publish\":\"in-place\",\"probe-listen\":"
			"\"0.0.0.0:8077\",\"reload-header\":[]}" });

	(void)state;
	assert_true(out.config.json);
	assert_int_equal(out.config.reload.expect.least, 204);
	assert_int_equal(out.config.reload.expect.most, 204);
	assert_int_equal(out.config.reload.signal, SIGHUP);
	assert_string_equal(out.config.reload.url, "http://h/");
	assert_int_equal(out.config.serve.probe.port, 8077);
	assert_int_equal(out.config.reload.headers.count, 0);
	done(&out);
}

static void a_double_key_is_an_error(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run",
				      .file = "{\"source\":\"/a\",\"source\":\"/b\"}" },
		     "%s: \"source\": it is there twice");
	assert_wrong(&(struct input){ .command = "run",
				      .file = "{\"reload-header\":[\"A: 1\"],\"reload-header\":["
					      "\"A: 2\"]}" },
		     "%s: \"reload-header\": it is there twice");
}

static void a_double_key_is_an_error_although_overridden(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run",
				      .arguments = { "--source=/c" },
				      .file = "{\"source\":\"/a\",\"source\":\"/b\"}" },
		     "%s: \"source\": it is there twice");
}

static void a_double_empty_list_is_an_error(void **state)
{
	(void)state;
	assert_wrong(&(struct input){ .command = "run",
				      .file = "{\"reload-header\":[],\"reload-header\":["
					      "\"A: 2\"]}" },
		     "%s: \"reload-header\": it is there twice");
}

static void flags_of_yes_and_no(void **state)
{
	struct output plain =
		load_well(&(struct input){ .command = "status", .arguments = { "--json" } });
	struct output no = load_well(&(struct input){ .command = "status",
						      .arguments = { "--json=false" },
						      .environment = { "GS_SIDECAR_JSON=true" } });

	(void)state;
	assert_true(plain.config.json);
	assert_false(no.config.json);
	assert_wrong(&(struct input){ .command = "status", .arguments = { "--json=maybe" } },
		     "--json: expected true or false, got 'maybe'");
	assert_wrong(&(struct input){ .command = "status", .arguments = { "--json", "false" } },
		     "'false': 'status' takes flags only");
	done(&plain);
	done(&no);
}

static void assert_program(const struct input *in, const char *const *words)
{
	struct output out = load_well(in);
	size_t count = 0;

	for (; words[count]; count++)
		assert_string_equal(out.config.operands.items[count], words[count]);
	assert_int_equal(out.config.operands.count, count);
	assert_int_equal(out.config.reload.signal, SIGHUP);
	done(&out);
}

static void a_program_s_flags_are_its_own(void **state)
{
	static const char *const words[] = { "nginx", "-g", "daemon off;", "--signal", NULL };
	static const char *const dashes[] = { "nginx", "--", "x", NULL };
	static const char *const odd[] = { "--help", NULL };

	(void)state;
	assert_program(&(struct input){ .command = "wrap",
					.arguments = { "--signal", "HUP", "--", "nginx", "-g",
						       "daemon off;", "--signal" } },
		       words);
	assert_program(&(struct input){ .command = "wrap",
					.arguments = { "--signal=HUP", "nginx", "-g", "daemon off;",
						       "--signal" } },
		       words);
	assert_program(
		&(struct input){ .command = "reloader",
				 .arguments = { "--reload-signal=HUP", "--", "nginx", "--", "x" } },
		dashes);
	assert_program(&(struct input){ .command = "wrap",
					.arguments = { "--signal=HUP", "--", "--help" } },
		       odd);
}

static void operands_are_not_for_every_command(void **state)
{
	struct output nothing =
		load_well(&(struct input){ .command = "sync", .arguments = { "--" } });
	struct output some = load_well(&(struct input){
		.command = "install", .arguments = { "/a", "--log-level=warn", "--", "--b" } });

	(void)state;
	assert_int_equal(nothing.config.operands.count, 0);
	assert_int_equal(some.config.operands.count, 2);
	assert_string_equal(some.config.operands.items[1], "--b");
	assert_int_equal(some.config.general.log_level, LOG_LEVEL_WARN);
	assert_wrong(&(struct input){ .command = "sync", .arguments = { "--", "/a" } },
		     "'/a': 'sync' takes flags only");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "/a" } },
		     "'/a': 'run' takes flags only");
	done(&nothing);
	done(&some);
}

static void help_is_asked_for(void **state)
{
	struct output out =
		load(&(struct input){ .command = "run", .arguments = { "--source=/a", "--help" } });
	struct output shorter = load(&(struct input){ .command = "run", .arguments = { "-h" } });
	struct output value =
		load(&(struct input){ .command = "run", .arguments = { "--source", "--help" } });

	(void)state;
	assert_int_equal(out.status, 1);
	assert_int_equal(shorter.status, 1);
	assert_int_equal(value.status, 0);
	assert_string_equal(value.config.sync.sources.items[0], "--help");
	done(&out);
	done(&shorter);
	done(&value);
}

static void the_file_is_named_by_the_environment_too(void **state)
{
	owned char *path = mem_format("%s/other.json", unit_directory());
	owned char *variable = mem_format("GS_SIDECAR_CONFIG=%s", path);
	static const char text[] = "{\"source\":\"/from-other\"}";
	struct err e;

	(void)state;
	assert_int_equal(io_replace_file(AT_FDCWD, path, text, strlen(text), &e), 0);
	struct output out =
		load_well(&(struct input){ .command = "run", .environment = { variable } });
	assert_string_equal(out.config.sync.sources.items[0], "/from-other");
	struct output flag = load_well(&(struct input){ .command = "run",
							.environment = { variable },
							.file = "{\"source\":\"/from-flag\"}" });
	assert_string_equal(flag.config.sync.sources.items[0], "/from-flag");
	done(&out);
	done(&flag);
}

static void a_named_file_has_to_be_there(void **state)
{
	(void)state;
	assert_wrong(
		&(struct input){ .command = "run", .arguments = { "--config=/nowhere/c.json" } },
		"configuration: open '/nowhere/c.json': No such file or directory");
	assert_wrong(&(struct input){ .command = "run", .arguments = { "--config=/" } },
		     "configuration: '/': read: Is a directory");
}

static void a_file_of_another_size_or_kind_is_refused(void **state)
{
	owned char *large = mem_alloc((size_t)1024 * 1024 + 2);

	(void)state;
	memset(large, ' ', (size_t)1024 * 1024 + 1);
	assert_wrong(&(struct input){ .command = "run", .file = large },
		     "configuration: '%s': larger than the limit of 1048576 bytes");
}

/* What follows a zero byte would not be read, so it would be ignored silently. */
static void a_zero_byte_in_the_file_is_refused(void **state)
{
	static const char bytes[] = "{\"source\":\"/a\"}\0{\"sauce\":1}";
	owned char *path = mem_format("%s/zero.json", unit_directory());
	struct err e;

	(void)state;
	assert_int_equal(io_replace_file(AT_FDCWD, path, bytes, sizeof(bytes) - 1, &e), 0);
	struct output out =
		load(&(struct input){ .command = "run", .arguments = { "--config", path } });
	int status = out.status;
	done(&out);
	assert_int_equal(status, -1);
}

static void every_setting_has_its_names(void **state)
{
	struct config_row row;
	size_t index, people = 0;

	(void)state;
	for (size_t i = 0; config_row(i, &row); i++) {
		if (!row.setting->help) {
			assert_false(config_find(row.setting->name, &index));
			continue;
		}
		people++;
		assert_true(config_find(row.setting->name, &index));
		assert_int_equal(index, i);
	}
	assert_true(people > 20);
	assert_true(config_find("reload-url", &index));
	assert_true(config_row(index, &row));
	owned char *variable = config_variable(row.setting);
	assert_string_equal(variable, "GS_SIDECAR_RELOAD_URL");
	assert_string_equal(config_flag_in(command_find("reload"), row.setting), "url");
	assert_string_equal(config_flag_in(command_find("run"), row.setting), "reload-url");
}

int test_config(void);

int test_config(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_applied),
		cmocka_unit_test(the_strongest_source_wins),
		cmocka_unit_test(lists_are_replaced_not_mixed),
		cmocka_unit_test(both_names_of_a_flag_fill_one_list),
		cmocka_unit_test(a_word_with_lines_stays_one),
		cmocka_unit_test(the_last_flag_wins),
		cmocka_unit_test(unknown_names_are_errors),
		cmocka_unit_test(service_links_are_passed_over),
		cmocka_unit_test(service_links_of_odd_names_are_passed_over),
		cmocka_unit_test(what_only_looks_like_a_service_link_is_not),
		cmocka_unit_test(wrong_values_name_their_origin),
		cmocka_unit_test(overridden_is_wrong_all_the_same),
		cmocka_unit_test(json_types_are_checked),
		cmocka_unit_test(json_values_are_taken),
		cmocka_unit_test(a_double_key_is_an_error),
		cmocka_unit_test(a_double_key_is_an_error_although_overridden),
		cmocka_unit_test(a_double_empty_list_is_an_error),
		cmocka_unit_test(flags_of_yes_and_no),
		cmocka_unit_test(a_program_s_flags_are_its_own),
		cmocka_unit_test(operands_are_not_for_every_command),
		cmocka_unit_test(help_is_asked_for),
		cmocka_unit_test(the_file_is_named_by_the_environment_too),
		cmocka_unit_test(a_named_file_has_to_be_there),
		cmocka_unit_test(a_file_of_another_size_or_kind_is_refused),
		cmocka_unit_test(a_zero_byte_in_the_file_is_refused),
		cmocka_unit_test(every_setting_has_its_names),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
