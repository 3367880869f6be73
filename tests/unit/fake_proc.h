/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_proc: a /proc of our own making: numbers are above every real one, so none is this process.
 */
#pragma once

#include <stddef.h>

#define BASE 9000000

struct fake {
	int number; /* above BASE */
	int parent;
	const char *comm;
	const char *exe; /* NULL: cannot be read, of another user */
	const char *line;
	size_t line_length;
	const char *caught; /* SigCgt, NULL: none */
	char state;         /* 0: running */
};

/* A literal with NULs in it, its own included. */
#define LINE(literal) .line = (literal), .line_length = sizeof(literal)

/* A directory of these; the last is one without a comm. */
int fake_proc(const struct fake *processes);

/* A file of one of them, or of this process when number is getpid() - BASE. */
void fake_file(int proc, int number, const char *name, const char *text);
