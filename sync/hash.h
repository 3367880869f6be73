/* SPDX-License-Identifier: Apache-2.0 */
/* hash: the content of a whole tree's files, which a scan does not tell. */
#pragma once

#include <stddef.h>

struct err;
struct tree;

/*
 * Hashes the files of t that are not, each from where its source has it below root. Names that
 * share an inode are read once. -1 with e that names a file that cannot be read, or that is no
 * longer as t says, or changed while it was read.
 */
int hash_all(int root, struct tree *t, size_t threads, struct err *e);
