/* SPDX-License-Identifier: Apache-2.0 */
/* clock: see clock.h. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* So that the compiler knows how long the text is at most. */
static unsigned two(int part)
{
	return (unsigned)part % 100;
}

const char *clock_stamp(char text[CLOCK_TEXT_SIZE])
{
	struct timespec now;
	struct tm parts;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &parts);
	/* strftime(3) would bring along time zones. */
	(void)snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		       (unsigned)(parts.tm_year + 1900) % 10000, two(parts.tm_mon + 1),
		       two(parts.tm_mday), two(parts.tm_hour), two(parts.tm_min), two(parts.tm_sec),
		       (unsigned)(now.tv_nsec / 1000000) % 1000);
	return text;
}

const char *clock_span(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
	if (ms < 1000)
		(void)snprintf(text, CLOCK_TEXT_SIZE, "%" PRId64 "ms", ms);
	else if (ms < 60000)
		(void)snprintf(text, CLOCK_TEXT_SIZE, "%.4gs", (double)ms / 1000);
	else if (ms < 3600000)
		(void)snprintf(text, CLOCK_TEXT_SIZE, "%" PRId64 "m%02ds", ms / 60000,
			       (int)(ms / 1000 % 60));
	else
		(void)snprintf(text, CLOCK_TEXT_SIZE, "%" PRId64 "h%02dm", ms / 3600000,
			       (int)(ms / 60000 % 60));
	return text;
}

void clock_pause(int64_t ms)
{
	const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&span, NULL);
}

int64_t clock_jittered(int64_t ms)
{
	unsigned char byte = 128;

	(void)!getrandom(&byte, sizeof(byte), GRND_NONBLOCK);
	return ms * 4 / 5 + ms * 2 / 5 * byte / 255;
}
