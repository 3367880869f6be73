/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: see manifest.h. Others may write to the volume it lies in: nothing is believed. */
#include "sync/manifest.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/tree.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* A number that ends with the character end, which is passed over; false when it is not one. */
static bool take_number(const char **at, int number_base, char end, uint64_t most, uint64_t *ret)
{
	char *after;

	errno = 0;
	*ret = strtoull(*at, &after, number_base);
	if (!isdigit((unsigned char)**at) || errno || *after != end || *ret > most)
		return false;
	*at = after + 1;
	return true;
}

/* Times before 1970 are negative. */
static bool take_time(const char **at, struct timespec *ret)
{
	bool negative = **at == '-';
	uint64_t seconds, nanoseconds;

	*at += negative;
	if (!take_number(at, 10, '.', INT64_MAX, &seconds) ||
	    !take_number(at, 10, ' ', 999999999, &nanoseconds))
		return false;
	ret->tv_sec = negative ? -(time_t)seconds : (time_t)seconds;
	ret->tv_nsec = (long)nanoseconds;
	return true;
}

static bool take_content(const char **at, enum entry_type type, struct digest *ret)
{
	size_t length = strcspn(*at, " ");
	owned char *text = mem_copy_part(*at, length);

	if (!(*at)[length])
		return false;
	*at += length + 1;
	return type == ENTRY_FILE ? digest_parse(text, ret) : text_is(text, "-");
}

static bool take_fields(const char **at, struct entry *e, size_t index)
{
	uint64_t mode, uid, gid, first;

	e->type = (enum entry_type) * *at;
	if (!type_is_known(**at) || (*at)[1] != ' ')
		return false;
	*at += 2;
	if (!take_number(at, 8, ' ', ENTRY_MODE_BITS, &mode) ||
	    !take_number(at, 10, ' ', UINT32_MAX, &uid) ||
	    !take_number(at, 10, ' ', UINT32_MAX, &gid) || !take_time(at, &e->mtime) ||
	    !take_number(at, 10, ' ', UINT64_MAX, &e->size) ||
	    !take_content(at, e->type, &e->content) || !take_number(at, 10, ' ', index, &first))
		return false;
	e->mode = (mode_t)mode;
	e->uid = (uid_t)uid;
	e->gid = (gid_t)gid;
	e->first = (size_t)first;
	return true;
}

static int read_entry(const char *line, const char *link, struct tree *t)
{
	struct entry fields = { 0 };
	const char *path = line;

	if (!take_fields(&path, &fields, t->count) || !path_is_safe(path) ||
	    (fields.type == ENTRY_LINK) != (*link != '\0'))
		return -1;
	if (t->count && strcmp(t->entries[t->count - 1].path, path) >= 0)
		return -1;
	fields.path = mem_copy(path);
	fields.link = fields.type == ENTRY_LINK ? mem_copy(link) : NULL;
	*tree_add(t, NULL, fields.type) = fields;
	return 0;
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
