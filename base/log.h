/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line per event, to stderr, as text or as JSON.
 *
 * Logged by the code that decides what happens next, once; what fails below returns an error
 * instead. A line is written by one write(2), so lines of several processes do not mix. errno is
 * kept. Messages are made printable first: a file name cannot forge a line.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* who: the word in front of each line, such as "run"; kept, not copied. */
void log_setup(const char *who, enum log_format format, enum log_level least);

/*
 * From now on a line that the reader of stderr has no room for is lost, and counted in the next one
 * that is not: for programs that stay, whose signals and probes must not wait for a log.
 */
void log_never_wait(void);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A person watches: lines are text, begin at info, and go to a terminal that can redraw a line. */
bool log_on_terminal(void);

/*
 * For such a terminal: text that stays beneath the lines, on one line that it fits, until the next
 * call; "" takes it away.
 */
void log_bar(const char *text);
