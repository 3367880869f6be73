/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: see manifest.h. The file lies in a volume that others may write: nothing is believed.
 */
#include "sync/manifest.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/tree.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEAD "gs-sidecar manifest 1\n"

int manifest_write(const struct tree *t, struct buf *b, struct err *e)
{
	int status = buf_add_text(b, HEAD);

	for (size_t i = 0; i < t->count && status == 0; i++) {
		const struct entry *en = &t->entries[i];
		char content[DIGEST_TEXT_SIZE] = "-";

		if (en->type == ENTRY_FILE)
			digest_text(&en->content, content);
		status = buf_add_format(
			b, "%c %o %u %u %" PRId64 ".%09ld %" PRIu64 " %s %zu %s%c%s%c", en->type,
			(unsigned)en->mode, (unsigned)en->uid, (unsigned)en->gid,
			(int64_t)en->mtime.tv_sec, (long)en->mtime.tv_nsec, en->size, content,
			en->first, en->path, 0, en->link ? en->link : "", 0);
	}
	if (status < 0)
		return err_set(e, ERR_SYSTEM, "the manifest would be larger than %zu bytes",
			       b->limit);
	return 0;
}

/* Relative, no empty parts, no "." and nothing that begins with "..". */
static bool path_is_safe(const char *path)
{
	if (!*path || strlen(path) >= PATH_MAX)
		return false;
	for (const char *part = path;; part++) {
		size_t length = strcspn(part, "/");

		if (length == 0 || length > NAME_MAX || text_starts(part, "..") ||
		    (length == 1 && part[0] == '.'))
			return false;
		part += length;
		if (!*part)
			return true;
	}
}

/* The next NUL-terminated text; NULL when there is none. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

static bool type_is_known(char type)
{
	return type == ENTRY_DIRECTORY || type == ENTRY_FILE || type == ENTRY_LINK;
}

static int read_entry(const char *line, const char *link, struct tree *t)
{
	char type, content[DIGEST_TEXT_SIZE];
	unsigned mode, uid, gid;
	int64_t seconds;
	long nanoseconds;
	uint64_t size;
	size_t first;
	int path_at = 0;

	/* The path follows one blank and may begin with more of them, so no blank before %n. */
	if (sscanf(line, "%c %o %u %u %" SCNd64 ".%9ld %" SCNu64 " %32s %zu%n", &type, &mode, &uid,
		   &gid, &seconds, &nanoseconds, &size, content, &first, &path_at) != 9 ||
	    line[path_at] != ' ')
		return -1;

	const char *path = line + path_at + 1;
	if (!type_is_known(type) || mode > ENTRY_MODE_BITS || nanoseconds < 0 || first > t->count ||
	    !path_is_safe(path) || (type == ENTRY_LINK) != (*link != '\0'))
		return -1;
	if (t->count && strcmp(t->entries[t->count - 1].path, path) >= 0)
		return -1;
	struct entry *e = tree_add(t, mem_copy(path), (enum entry_type)type);
	e->mode = mode;
	e->uid = uid;
	e->gid = gid;
	e->mtime = (struct timespec){ .tv_sec = seconds, .tv_nsec = nanoseconds };
	e->size = size;
	e->first = first;
	e->link = type == ENTRY_LINK ? mem_copy(link) : NULL;
	return type != ENTRY_FILE || digest_parse(content, &e->content) ? 0 : -1;
}

int manifest_read(const char *bytes, size_t length, struct tree *ret, struct err *e)
{
	const char *at = bytes + strlen(HEAD), *end = bytes + length;
	struct tree t = { 0 };

	if (length < strlen(HEAD) || memcmp(bytes, HEAD, strlen(HEAD)) != 0)
		return err_set(e, ERR_SYSTEM, "it is not a manifest of this program");
	while (at < end) {
		const char *line = next_text(&at, end);
		const char *link = line ? next_text(&at, end) : NULL;

		if (!link || read_entry(line, link, &t) < 0) {
			size_t entry = t.count;

			tree_done(&t);
			return err_set(e, ERR_SYSTEM, "the manifest is damaged at entry %zu",
				       entry);
		}
	}
	*ret = t;
	return 0;
}
