/* SPDX-License-Identifier: Apache-2.0 */
/* help: what the tables of commands and settings say, for people. */
#pragma once

#include <stdio.h>

struct command;

void help_overview(FILE *to);
void help_command(const struct command *c, FILE *to);

/* docs/config.md. */
void help_settings(FILE *to);
