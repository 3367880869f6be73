/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parcel: a file that came, checked by its digest and its signature before it is put in its place.
 * An archive without a signature is unpacked meanwhile, to where nobody sees it.
 */
#pragma once

#include "fetch/source.h"

#include <stdbool.h>
#include <stdint.h>

struct download_plan;

struct parcel {
	const char *name;  /* what its kind says it is called: decides whether it is an archive */
	const char *moved; /* its name in the cache's folder, from where it goes; NULL: it stays */
	const char *encoding; /* Content-Encoding; NULL: none */
	int64_t time;         /* of the single file; -1: now */
	bool archive;         /* there is no other way */
};

/*
 * Into tree. SOURCE_AS_BEFORE when it has the digest of the one that is there: nothing of tree is
 * of use then, whatever is in it.
 */
enum source_fill parcel_open(struct fetch *f, const struct parcel *p, int fd, int tree,
			     struct err *e);

/*
 * For one that is known to be as before, unseen: when the public key is another than the one that
 * has signed it, it has to be signed by that one too.
 */
int parcel_check_key(struct fetch *f, struct err *e);

/* The same with one that is downloaded first; name is what its URL calls it. */
enum source_fill parcel_fetch(struct fetch *f, const struct download_plan *plan, const char *name,
			      int tree, struct err *e);
