/* SPDX-License-Identifier: Apache-2.0 */
/* unit: one group of cmocka tests per module; main.c runs them all. */
#pragma once

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A fresh directory below $TMPDIR, removed at the end of the program; static storage. */
const char *unit_directory(void);
