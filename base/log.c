/* SPDX-License-Identifier: Apache-2.0 */
/* log: see log.h. */
#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MESSAGE_MAX 4096
#define LOG_BAR_MAX 512

/* Back to the first column, and erase to the end of the line. */
#define CLEAR_BAR "\r\033[K"

static struct {
	const char *who;
	enum log_format format;
	enum log_level least;
	bool never_wait;
	unsigned lost; /* lines since the last one that was written */
	char bar[LOG_BAR_MAX];
} setup = { "gs-sidecar", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, false, 0, "" };

static const char *const level_names[] = {
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

void log_never_wait(void)
{
	setup.never_wait = true;
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

bool log_on_terminal(void)
{
	const char *terminal = getenv("TERM");

	return setup.format == LOG_FORMAT_TEXT && setup.least == LOG_LEVEL_INFO &&
	       isatty(STDERR_FILENO) && !(terminal && text_is(terminal, "dumb"));
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

/* In pieces that fit as soon as a pipe has any room, pipe(7). */
static bool write_line(const char *line)
{
	struct pollfd stderr_room = { .fd = STDERR_FILENO, .events = POLLOUT };

	for (size_t left = strlen(line); left;) {
		size_t piece = left < PIPE_BUF ? left : PIPE_BUF;

		if (setup.never_wait && poll(&stderr_room, 1, 0) != 1)
			return false;
		/* Nobody is left to tell when stderr is gone. */
		(void)!write(STDERR_FILENO, line, piece);
		line += piece;
		left -= piece;
	}
	return true;
}

static void log_text(enum log_level level, const char *text)
{
	owned char *printable = text_printable(text);
	owned char *line = line_of(level, printable);
	owned char *above_bar = setup.bar[0] ? mem_format(CLEAR_BAR "%s%s", line, setup.bar) : NULL;

	setup.lost = write_line(above_bar ? above_bar : line) ? 0 : setup.lost + 1;
}

void log_bar(const char *text)
{
	int kept = errno;
	owned char *redrawn = mem_format(CLEAR_BAR "%s", text);

	(void)snprintf(setup.bar, sizeof(setup.bar), "%s", text);
	(void)write_line(redrawn);
	errno = kept;
}

static void tell_lost(void)
{
	unsigned lost = setup.lost;
	owned char *text = mem_format("%u lines were lost: nobody read them in time", lost);

	log_text(LOG_LEVEL_WARN, text);
	if (setup.lost)
		setup.lost = lost;
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	int kept = errno;
	char message[LOG_MESSAGE_MAX];

	if (level < setup.least)
		return;
	(void)vsnprintf(message, sizeof(message), format, args);
	if (setup.lost)
		tell_lost();
	log_text(level, message);
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

LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
