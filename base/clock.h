/* SPDX-License-Identifier: Apache-2.0 */
/* clock: monotonic time for deadlines, wall time for people, and how a span is written. */
#pragma once

#include <stdint.h>

/* Milliseconds, CLOCK_MONOTONIC: steps of the wall clock do not show. */
int64_t clock_ms(void);

/* Waits so long, or until a signal was handled. */
void clock_pause(int64_t ms);

/* Room for what clock_stamp() and clock_span() write. */
#define CLOCK_TEXT_SIZE 32

/* Now as RFC 3339 in UTC with milliseconds, "2026-11-20T10:15:30.123Z"; returns text. */
const char *clock_stamp(char text[CLOCK_TEXT_SIZE]);

/* A span as a person says it: "350ms", "2.5s", "3m20s"; returns text. */
const char *clock_span(int64_t ms, char text[CLOCK_TEXT_SIZE]);

/*
 * 20 percent more or less, so that a fleet that was updated together does not knock together.
 */
int64_t clock_jittered(int64_t ms);
