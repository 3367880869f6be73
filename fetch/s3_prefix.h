/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_prefix: all objects below a prefix, as files. What has the ETag and the size that it had is
 * not fetched again, but a hard link to the last good tree's.
 */
#pragma once

#include "fetch/source.h"

struct transfer_keys;

/* Where objects are: base and an escaped key is a URL. */
struct s3_place {
	const char *base;   /* ends with a slash */
	const char *prefix; /* empty, or ends with a slash */
	const char *region;
	const struct transfer_keys *keys; /* NULL: not signed */
};

enum source_fill s3_prefix_fill(struct fetch *f, const struct s3_place *place, int tree,
				struct err *e);
