/* SPDX-License-Identifier: Apache-2.0 */
/* log: see log.h. */
#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MESSAGE_MAX 4096

static struct {
	const char *who;
	enum log_format format;
	enum log_level least;
} setup = { "gs-sidecar", LOG_FORMAT_TEXT, LOG_LEVEL_INFO };

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

void log_setup(const char *who, enum log_format format, enum log_level least)
{
	setup.who = who;
	setup.format = format;
	setup.least = least;
}

/* The message is printable text already: only these two still need care inside JSON quotes. */
static char *json_quoted(const char *printable)
{
	char *quoted = mem_alloc(2 * strlen(printable) + 1), *to = quoted;

	for (; *printable; printable++) {
		if (*printable == '"' || *printable == '\\')
			*to++ = '\\';
		*to++ = *printable;
	}
	return quoted;
}

static char *line_of(enum log_level level, const char *printable)
{
	char stamp[CLOCK_TEXT_SIZE];

	clock_stamp(stamp);
	if (setup.format == LOG_FORMAT_TEXT)
		return mem_format("%s %-5s %s: %s\n", stamp, level_names[level], setup.who,
				  printable);

	owned char *quoted = json_quoted(printable);
	return mem_format(
		"{\"time\":\"%s\",\"level\":\"%s\",\"command\":\"%s\",\"message\":\"%s\"}\n", stamp,
		level_names[level], setup.who, quoted);
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	int kept = errno;
	char message[LOG_MESSAGE_MAX];

	if (level < setup.least)
		return;
	(void)vsnprintf(message, sizeof(message), format, args);
	owned char *printable = text_printable(message);
	owned char *line = line_of(level, printable);
	/* Nobody is left to tell when stderr is gone. */
	(void)!write(STDERR_FILENO, line, strlen(line));
	errno = kept;
}

#define LOG_FUNCTION(name, level)              \
	void name(const char *format, ...)     \
	{                                      \
		va_list args;                  \
                                               \
		va_start(args, format);        \
		log_line(level, format, args); \
		va_end(args);                  \
	}

LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
