/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content: what directories hold, as a digest that is the same only when that is the same.
 *
 * Of each name below them its path, type and permissions count, and a file's bytes or a link's
 * target. Neither times, owners nor inodes do. Links are not followed, but for "..data" of the
 * layout that kubelet uses; other names that begin with ".." and our state directories do not
 * count. A directory that is not there counts as what it was.
 *
 * Found out by and by, a few milliseconds of the loop at a time. A file is read again only when its
 * stat is another one; that takes 18 to 28 bytes of memory a file.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>

struct content;
struct list;
struct loop;

struct content_plan {
	const struct list *roots;   /* directories; kept */
	const struct list *exclude; /* patterns; kept; NULL: none */
	void (*on_done)(void *owner);
	void *owner;
};

struct content *content_new(struct loop *l, const struct content_plan *plan);
void content_free(struct content *c);

/* Looks at all of it, anew if it is just looking; on_done is called once, not from inside. */
void content_begin(struct content *c);
bool content_is_looking(const struct content *c);

/* What the last look that came to its end has found. */
struct digest content_digest(const struct content *c);
size_t content_files(const struct content *c);

/*
 * Of the files that it had to read, or else of the directories, the one that has changed last; ""
 * when there is none.
 */
const char *content_newest(const struct content *c);

/* Whether a gs-sidecar is publishing there. */
bool content_is_published(const struct content *c);
