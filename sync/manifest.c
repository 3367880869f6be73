/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: see manifest.h. Others may write to the volume it lies in: nothing is believed.
 *
 * There is one way to write a tree down. So texts must lie exactly where the entries before them
 * end, and every check needs only the entry before: what is read costs little more than a copy.
 */
#include "sync/manifest.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "gs-tree1" /* the digit is the version of the form */
#define NANOSECONDS 1000000000U
#define PATH_SHOWN 300
#define WRITE_PIECE ((size_t)64 * 1024) /* more than a text can be long */

_Static_assert(sizeof(struct manifest_head) == 128, "the form of a head is fixed");
_Static_assert(sizeof(struct entry) == 72, "the form of an entry is fixed");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are little-endian");

/* The check is of all bytes but itself, which would otherwise have to be known before. */
static void hash_head(struct digest_stream *s, const struct manifest_head *h)
{
	const size_t from = offsetof(struct manifest_head, check);
	const size_t to = from + sizeof(struct digest);

	digest_add(s, h, from);
	digest_add(s, (const char *)h + to, sizeof(*h) - to);
}

static struct digest check_of(const struct manifest_head *h, const void *entries, const char *texts)
{
	struct digest_stream *s = digest_new();

	hash_head(s, h);
	digest_add(s, entries, h->entries * sizeof(struct entry));
	digest_add(s, texts, h->texts);
	struct digest d = digest_result(s);
	digest_free(s);
	return d;
}

/* ---- writing ---- */

/* Bytes are hashed and written by the piece: a manifest is not held in memory a second time. */
struct writer {
	struct digest_stream *hash;
	int fd;        /* or -1 and */
	struct buf *b; /*   with room for all */
	size_t length;
	char piece[WRITE_PIECE];
};

static int flush(struct writer *w)
{
	digest_add(w->hash, w->piece, w->length);
	if (w->fd < 0 ? buf_add(w->b, w->piece, w->length) < 0
		      : io_write(w->fd, w->piece, w->length) < 0)
		return -1;
	w->length = 0;
	return 0;
}

static int put(struct writer *w, const void *bytes, size_t count)
{
	if (count > sizeof(w->piece) - w->length && flush(w) < 0)
		return -1;
	memcpy(w->piece + w->length, bytes, count);
	w->length += count;
	return 0;
}

/* What a manifest keeps of an entry; *text is where the next of its texts comes. */
static struct entry written_entry(const struct tree *t, const struct entry *e, uint32_t *text)
{
	struct entry w = {
		.seconds = e->seconds,
		.nanoseconds = e->nanoseconds,
		.first = e->first,
		.uid = e->uid,
		.gid = e->gid,
		.type = e->type,
	};

	w.path = *text;
	*text += (uint32_t)strlen(tree_path(t, e)) + 1;
	if (e->type == ENTRY_LINK) {
		w.link = *text;
		*text += (uint32_t)strlen(tree_link(t, e)) + 1;
		return w;
	}
	w.mode = e->mode & ENTRY_MODE_BITS;
	if (e->type == ENTRY_FILE) {
		w.size = e->size;
		w.content = e->content;
	}
	return w;
}

static int write_entries(struct writer *w, const struct tree *t)
{
	uint32_t text = 1;

	for (size_t i = 0; i < t->count; i++) {
		const struct entry e = written_entry(t, &t->entries[i], &text);

		if (put(w, &e, sizeof(e)) < 0)
			return -1;
	}
	return 0;
}

static int write_texts(struct writer *w, const struct tree *t)
{
	if (put(w, "", 1) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		const char *path = tree_path(t, e), *link = tree_link(t, e);

		if (put(w, path, strlen(path) + 1) < 0 ||
		    (e->type == ENTRY_LINK && put(w, link, strlen(link) + 1) < 0))
			return -1;
	}
	return 0;
}

static int check_hashed(const struct tree *t, struct err *e)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i].type == ENTRY_FILE && !entry_is_hashed(&t->entries[i]))
			return err_set(e, ERR_SYSTEM, "'%.*s' is not hashed", PATH_SHOWN,
				       tree_path(t, &t->entries[i]));
	return 0;
}

/* All of it but the check. */
static struct manifest_head make_head(const struct tree *t, const struct manifest_head *from)
{
	struct manifest_head h = { .digest = from->digest,
				   .entries = (uint32_t)t->count,
				   .whiteouts = from->whiteouts };
	uint32_t text = 1;

	for (size_t i = 0; i < t->count; i++) {
		const struct entry e = written_entry(t, &t->entries[i], &text);

		h.files += e.type != ENTRY_DIRECTORY;
		h.bytes += e.size;
	}
	h.texts = text;
	h.length = sizeof(h) + t->count * sizeof(struct entry) + text;
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	memcpy(h.label, from->label, strnlen(from->label, sizeof(h.label) - 1));
	return h;
}

/* What follows the head; the check is filled in. -1 with errno. */
static int write_rest(int fd, struct buf *b, const struct tree *t, struct manifest_head *h)
{
	struct writer *w = mem_alloc(sizeof(*w));
	int status;

	w->hash = digest_new();
	w->fd = fd;
	w->b = b;
	hash_head(w->hash, h);
	status = write_entries(w, t) < 0 || write_texts(w, t) < 0 || flush(w) < 0 ? -1 : 0;
	h->check = digest_result(w->hash);
	digest_free(w->hash);
	free(w);
	return status;
}

int manifest_write(const struct tree *t, const struct manifest_head *head, struct buf *b,
		   struct err *e)
{
	struct manifest_head h = make_head(t, head);
	const size_t begin = b->length;

	if (check_hashed(t, e) < 0)
		return -1;
	if (h.length > MANIFEST_MOST || !buf_space(b, h.length))
		return err_set(e, ERR_SYSTEM, "the manifest would be larger than %zu bytes",
			       b->limit < MANIFEST_MOST ? b->limit : MANIFEST_MOST);
	(void)buf_add(b, &h, sizeof(h));
	(void)write_rest(-1, b, t, &h);
	memcpy(b->data + begin, &h, sizeof(h));
	return 0;
}

int manifest_write_file(const struct tree *t, const struct manifest_head *head, int fd,
			struct err *e)
{
	struct manifest_head h = make_head(t, head);

	if (check_hashed(t, e) < 0)
		return -1;
	if (h.length > MANIFEST_MOST)
		return err_set(e, ERR_SYSTEM, "the manifest would be larger than %zu bytes",
			       MANIFEST_MOST);
	if (lseek(fd, sizeof(h), SEEK_SET) < 0 || write_rest(fd, NULL, t, &h) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0 || io_write(fd, &h, sizeof(h)) < 0)
		return err_sys(e, "write the manifest");
	return 0;
}

/* ---- the head ---- */

/* Counts of 32 bits: their sum cannot be too large for 64. */
static bool counts_fit(const struct manifest_head *h)
{
	return h->texts > 0 && h->files <= h->entries && h->whiteouts <= h->entries &&
	       !h->reserved &&
	       h->length == sizeof(*h) + (uint64_t)h->entries * sizeof(struct entry) + h->texts;
}

static bool label_is_padded(const struct manifest_head *h)
{
	size_t length = strnlen(h->label, sizeof(h->label));

	for (size_t i = length; i < sizeof(h->label); i++)
		if (h->label[i])
			return false;
	return length < sizeof(h->label);
}

/* bytes is as much of a head as there is; length that of the whole manifest. */
static int take_head(const char *bytes, uint64_t length, struct manifest_head *ret, struct err *e)
{
	struct manifest_head h = { 0 };
	const size_t version = sizeof(h.magic) - 1;

	memcpy(&h, bytes, length < sizeof(h) ? (size_t)length : sizeof(h));
	if (memcmp(h.magic, MAGIC, version) != 0)
		return err_set(e, ERR_USAGE, "it is not a manifest of this program");
	if (h.magic[version] != MAGIC[version])
		return err_set(e, ERR_USAGE, "it is a manifest of another version of this program");
	if (length < sizeof(h) || h.length != length || length > MANIFEST_MOST)
		return err_set(e, ERR_USAGE, "the manifest is cut, or too long");
	if (!counts_fit(&h) || !label_is_padded(&h))
		return err_set(e, ERR_USAGE, "the manifest's head is damaged");
	*ret = h;
	return 0;
}

int manifest_read_head(int fd, struct manifest_head *ret, struct err *e)
{
	char bytes[sizeof(*ret)] = { 0 };
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "read its head");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "it is not a file");
	do
		got = pread(fd, bytes, sizeof(bytes), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read its head");
	/* Short, though the file is not: then it became so just now, and zeros are no head. */
	return take_head(bytes, (uint64_t)st.st_size, ret, e);
}

/* ---- entries: each check says what is wrong, or NULL ---- */

static bool name_is_sane(const char *name, size_t length)
{
	if (length == 0 || length > NAME_MAX)
		return false;
	return name[0] != '.' || (length > 1 && name[1] != '.');
}

static bool path_is_sane(const char *path)
{
	for (;; path++) {
		size_t length = strcspn(path, "/");

		if (!name_is_sane(path, length))
			return false;
		path += length;
		if (!*path)
			return true;
	}
}

/* The next text begins where the last one ended, and the last of all ends with a NUL. */
static bool take_text(const struct tree *t, uint32_t offset, size_t *at, size_t *ret_length)
{
	if (offset != *at || *at >= t->texts_length)
		return false;
	*ret_length = strlen(t->texts + *at);
	*at += *ret_length + 1;
	return true;
}

/*
 * Everything that a directory holds follows it: so the folder of a path is the entry before, or
 * one that the entry before is in, and known to be a directory.
 */
static const char *check_order(const struct tree *t, size_t index, const char *path, size_t folder)
{
	const struct entry *before = index ? &t->entries[index - 1] : NULL;
	const char *last = before ? tree_path(t, before) : "";

	if (folder) {
		/* Both are followed by as many bytes: last lies before path. */
		if (!before || memcmp(last, path, folder - 1) != 0)
			return "is in no directory before it";
		if (last[folder - 1] == '\0' && before->type == ENTRY_DIRECTORY)
			return NULL;
		if (last[folder - 1] != '/')
			return "is in no directory before it";
	}
	if (before && tree_compare(last + folder, path + folder) >= 0)
		return "is not in order";
	return NULL;
}

static const char *check_path(const struct tree *t, size_t index, size_t length)
{
	const char *path = tree_path(t, &t->entries[index]);
	const char *slash = memrchr(path, '/', length);
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	const char *wrong = check_order(t, index, path, folder);

	if (length >= PATH_MAX || !name_is_sane(path + folder, length - folder) ||
	    (wrong && !path_is_sane(path)))
		return "has a path that is not allowed";
	return wrong;
}

static const char *check_first(const struct tree *t, size_t index)
{
	const struct entry *e = &t->entries[index], *first = &t->entries[e->first];

	if (e->first == index)
		return NULL;
	if (e->first > index || e->type != ENTRY_FILE || first->type != ENTRY_FILE ||
	    first->first != e->first || first->size != e->size ||
	    !digest_equal(&first->content, &e->content))
		return "is another name of what is not the same file";
	return NULL;
}

static const char *check_fields(const struct entry *e)
{
	if (e->type != ENTRY_DIRECTORY && e->type != ENTRY_FILE && e->type != ENTRY_LINK)
		return "has an unknown type";
	if ((e->mode & ~ENTRY_MODE_BITS) || (e->type == ENTRY_LINK && e->mode))
		return "has an impossible mode";
	if (e->nanoseconds >= NANOSECONDS)
		return "has an impossible time";
	if (e->size > INT64_MAX || (e->type != ENTRY_FILE && e->size))
		return "has an impossible size";
	if ((e->type == ENTRY_FILE) != entry_is_hashed(e))
		return "has no hash of its content, or one too many";
	if ((e->type == ENTRY_LINK) != (e->link != 0))
		return "leads nowhere, or is not a link";
	if (e->inode || e->source || e->layer)
		return "has what is not kept in a manifest";
	return NULL;
}

static const char *check_entry(const struct tree *t, size_t index, size_t *at)
{
	const struct entry *e = &t->entries[index];
	const char *wrong = check_fields(e);
	size_t length, link_length;

	if (!take_text(t, e->path, at, &length))
		return "has a path out of place";
	if (!wrong)
		wrong = check_path(t, index, length);
	if (wrong)
		return wrong;
	if (e->link &&
	    (!take_text(t, e->link, at, &link_length) || !link_length || link_length >= PATH_MAX))
		return "leads nowhere, or out of the manifest";
	return check_first(t, index);
}

static int refuse_entry(const struct tree *t, size_t index, const char *wrong, struct err *e)
{
	uint32_t path = t->entries[index].path;
	owned char *shown = text_printable(path < t->texts_length ? t->texts + path : "");

	return err_set(e, ERR_USAGE, "entry %zu ('%.*s') %s", index, PATH_SHOWN, shown, wrong);
}

static int check_tree(const struct tree *t, const struct manifest_head *h, struct err *e)
{
	uint64_t files = 0, bytes = 0;
	size_t at = 1;

	if (t->texts[0] || t->texts[t->texts_length - 1])
		return err_set(e, ERR_USAGE, "the manifest's texts are damaged");
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *en = &t->entries[i];
		const char *wrong = check_entry(t, i, &at);

		files += en->type != ENTRY_DIRECTORY;
		if (__builtin_add_overflow(bytes, en->size, &bytes))
			wrong = "has an impossible size";
		if (wrong)
			return refuse_entry(t, i, wrong, e);
	}
	if (at != t->texts_length)
		return err_set(e, ERR_USAGE, "the manifest has texts of no entry");
	if (files != h->files || bytes != h->bytes)
		return err_set(e, ERR_USAGE, "the manifest's totals are wrong");
	return 0;
}

/* It is not filled yet. */
static void make_room(const struct manifest_head *h, struct tree *t)
{
	t->count = t->room = h->entries;
	t->texts_length = t->texts_room = h->texts;
	t->entries = t->count ? mem_resize(NULL, t->count, sizeof(*t->entries)) : NULL;
	t->texts = mem_resize(NULL, t->texts_length, 1);
}

static int take_tree(const struct manifest_head *h, struct tree *t, struct manifest_head *ret_head,
		     struct tree *ret, struct err *e)
{
	const struct digest check = check_of(h, t->entries, t->texts);
	int status = 0;

	if (!digest_equal(&check, &h->check))
		status = err_set(e, ERR_USAGE, "the manifest is damaged: its bytes have changed");
	if (status < 0 || check_tree(t, h, e) < 0) {
		tree_done(t);
		return -1;
	}
	*ret_head = *h;
	*ret = *t;
	return 0;
}

int manifest_read(const char *bytes, size_t length, struct manifest_head *ret_head,
		  struct tree *ret, struct err *e)
{
	struct manifest_head h;
	struct tree t = { 0 };

	*ret = t;
	if (take_head(bytes, length, &h, e) < 0)
		return -1;
	make_room(&h, &t);
	bytes += sizeof(h);
	if (t.count)
		memcpy(t.entries, bytes, t.count * sizeof(*t.entries));
	memcpy(t.texts, bytes + t.count * sizeof(*t.entries), t.texts_length);
	return take_tree(&h, &t, ret_head, ret, e);
}

/* -1 also when there are fewer, with ERANGE as errno. */
static int read_all(int fd, void *bytes, size_t count)
{
	ssize_t got = io_read(fd, bytes, count);

	if (got >= 0 && (size_t)got < count)
		errno = ERANGE;
	return got >= 0 && (size_t)got == count ? 0 : -1;
}

int manifest_read_file(int fd, struct manifest_head *ret_head, struct tree *ret, struct err *e)
{
	struct manifest_head h;
	struct tree t = { 0 };

	*ret = t;
	if (manifest_read_head(fd, &h, e) < 0)
		return -1;
	make_room(&h, &t);
	if (lseek(fd, sizeof(h), SEEK_SET) >= 0 &&
	    read_all(fd, t.entries, t.count * sizeof(*t.entries)) == 0 &&
	    read_all(fd, t.texts, t.texts_length) == 0)
		return take_tree(&h, &t, ret_head, ret, e);
	(void)(errno == ERANGE ? err_set(e, ERR_USAGE, "the manifest was cut while it was read")
			       : err_sys(e, "read"));
	tree_done(&t);
	return -1;
}
