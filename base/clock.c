/* SPDX-License-Identifier: Apache-2.0 */
/* clock: see clock.h. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *clock_stamp(char text[CLOCK_TEXT_SIZE])
{
	struct timespec now;
	struct tm parts;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &parts);
	size_t length = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(text + length, CLOCK_TEXT_SIZE - length, ".%03dZ",
		       (int)(now.tv_nsec / 1000000));
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
