/* SPDX-License-Identifier: Apache-2.0 */
/* parse: see parse.h. */
#include "base/parse.h"

#include "base/err.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* About 24 days: fits any timer. */
#define DURATION_MAX_MS ((int64_t)INT32_MAX)

int parse_count(const char *text, int64_t least, int64_t most, int64_t *ret, struct err *e)
{
	char *end;

	errno = 0;
	long long value = isdigit((unsigned char)text[0]) ? strtoll(text, &end, 10) : -1;
	if (value < 0 || errno || *end || value < least || value > most)
		return err_set(e, ERR_USAGE,
			       "expected a number from %" PRId64 " to %" PRId64 ", got '%s'", least,
			       most, text);
	*ret = value;
	return 0;
}

int parse_duration(const char *text, int64_t *ret_ms, struct err *e)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end = (char *)text;
	/* strtod takes "inf", "0x1" and "1e5" too; a duration is digits and at most one dot. */
	size_t digits = strspn(text, "0123456789.");
	double value = isdigit((unsigned char)text[0]) ? strtod(text, &end) : -1;

	if (value == 0 && *end == '\0' && end == text + digits) {
		*ret_ms = 0;
		return 0;
	}
	for (size_t i = 0; i < LEN(units); i++) {
		if (value < 0 || end != text + digits || !text_is(end, units[i].unit))
			continue;
		if (value * units[i].ms > (double)DURATION_MAX_MS)
			break;
		*ret_ms = (int64_t)(value * units[i].ms);
		return 0;
	}
	return err_set(e, ERR_USAGE,
		       "expected a duration such as 250ms, 10s, 5m or 1h (at most 596h), got '%s'",
		       text);
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "SIGHUP", SIGHUP },       { "SIGINT", SIGINT },       { "SIGQUIT", SIGQUIT },
	{ "SIGILL", SIGILL },       { "SIGTRAP", SIGTRAP },     { "SIGABRT", SIGABRT },
	{ "SIGBUS", SIGBUS },       { "SIGFPE", SIGFPE },       { "SIGKILL", SIGKILL },
	{ "SIGUSR1", SIGUSR1 },     { "SIGSEGV", SIGSEGV },     { "SIGUSR2", SIGUSR2 },
	{ "SIGPIPE", SIGPIPE },     { "SIGALRM", SIGALRM },     { "SIGTERM", SIGTERM },
	{ "SIGSTKFLT", SIGSTKFLT }, { "SIGCHLD", SIGCHLD },     { "SIGCONT", SIGCONT },
	{ "SIGSTOP", SIGSTOP },     { "SIGTSTP", SIGTSTP },     { "SIGTTIN", SIGTTIN },
	{ "SIGTTOU", SIGTTOU },     { "SIGURG", SIGURG },       { "SIGXCPU", SIGXCPU },
	{ "SIGXFSZ", SIGXFSZ },     { "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF },
	{ "SIGWINCH", SIGWINCH },   { "SIGIO", SIGIO },         { "SIGPWR", SIGPWR },
	{ "SIGSYS", SIGSYS },
};

int parse_signal(const char *text, int *ret, struct err *e)
{
	int64_t number;
	struct err ignored;

	for (size_t i = 0; i < LEN(signals); i++) {
		if (strcasecmp(text, signals[i].name) == 0 ||
		    strcasecmp(text, signals[i].name + strlen("SIG")) == 0) {
			*ret = signals[i].number;
			return 0;
		}
	}
	if (parse_count(text, 1, 64, &number, &ignored) == 0) {
		*ret = (int)number;
		return 0;
	}
	return err_set(e, ERR_USAGE, "expected a signal such as HUP, USR1 or 10, got '%s'", text);
}

const char *signal_name(int number)
{
	static char text[24];

	for (size_t i = 0; i < LEN(signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	(void)snprintf(text, sizeof(text), "signal %d", number);
	return text;
}

/* Three digits at text; -1 when it is something else. */
static int three_digits(const char *text)
{
	int value = 0;

	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		value = 10 * value + text[i] - '0';
	}
	return value;
}

int parse_status_range(const char *text, struct status_range *ret, struct err *e)
{
	struct status_range range = { .least = three_digits(text) };
	const char *end = range.least < 0 ? "?" : text + 3;

	range.most = range.least;
	if (*end == '-') {
		range.most = three_digits(end + 1);
		end = range.most < 0 ? "?" : end + 4;
	}
	if (*end || range.least < 100 || range.most > 599 || range.least > range.most)
		return err_set(e, ERR_USAGE,
			       "expected an HTTP status or a range such as 200 or 200-299, got "
			       "'%s'",
			       text);
	*ret = range;
	return 0;
}

/* A token (RFC 9110, 5.6.2), a colon, and a value without control characters. */
int parse_header(const char *line, struct err *e)
{
	size_t name = strcspn(line, ": \t()<>@,;\\\"/[]?={}");
	bool sound = name > 0 && line[name] == ':';

	for (; *line; line++)
		sound = sound && ((unsigned char)*line >= ' ' || *line == '\t');
	/* Its value may be secret: it is not repeated. */
	return sound ? 0 : err_set(e, ERR_USAGE, "expected a header, 'NAME: VALUE'");
}
