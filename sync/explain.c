/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: see explain.h. A line with the answer, then what each layer has to do with it, from the
 * top down.
 */
#include "sync/explain.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "sync/layer.h"
#include "sync/merge.h"
#include "sync/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a layer has of the path, and does to those below it. */
struct say {
	const struct entry *entry;
	const struct entry *marker; /* removes the first marked bytes of the path */
	const struct entry *block;  /* the first blocked bytes: is there, but no directory */
	size_t marked, blocked;
	const char *fate; /* of its entry, as it is said; NULL: it is the one that counts */
};

struct question {
	const struct merge *m;
	const char *path; /* as trees have it */
	struct buf *b;
	struct say says[LAYERS_MOST];
	size_t origin; /* the layer whose entry counts; m->count: none */
};

/* Names are any bytes: a line stays a line. */
__attribute__((format(printf, 2, 3))) static void add_line(const struct question *q,
							   const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		mem_exhausted();
	va_end(args);
	owned char *line = text_printable(text);
	(void)buf_add_text(q->b, line);
	(void)buf_add_text(q->b, "\n");
	free(text);
}

/* Without empty parts and dots, on the heap. */
static char *normal_path(const char *path)
{
	char *normal = mem_alloc(strlen(path) + 1), *end = normal;

	while (*path) {
		size_t length = strcspn(path, "/");

		if (length > 0 && !(length == 1 && *path == '.')) {
			if (end != normal)
				*end++ = '/';
			end = mempcpy(end, path, length);
		}
		path += length + (path[length] == '/');
	}
	return normal;
}

/* A part more of the path than length bytes are. */
static size_t next_length(const char *path, size_t length)
{
	length += path[length] == '/';
	return length + strcspn(path + length, "/");
}

static const struct entry *find_marker(const struct tree *t, const char *path)
{
	const char *name = text_last_part(path);
	owned char *marker =
		mem_format("%.*s" MERGE_REMOVE_PREFIX "%s", (int)(name - path), path, name);

	return tree_find(t, marker);
}

static struct say ask(const struct tree *t, const char *path)
{
	struct say s = { .entry = tree_find(t, path) };

	for (size_t length = 0; path[length] && !s.block;) {
		length = next_length(path, length);
		owned char *part = mem_copy_part(path, length);
		const struct entry *found = tree_find(t, part);

		if (path[length] && found && found->type != ENTRY_DIRECTORY) {
			s.block = found;
			s.blocked = length;
		}
		if (s.marker)
			continue;
		s.marker = find_marker(t, part);
		s.marked = length;
	}
	return s;
}

static void ask_all(struct question *q)
{
	const char *ended = NULL;

	q->origin = q->m->count;
	for (size_t i = q->m->count; i-- > 0;) {
		struct say *s = &q->says[i];

		*s = ask(&q->m->layers[i].tree, q->path);
		if (s->entry && ended)
			s->fate = ended;
		else if (s->entry && q->origin == q->m->count)
			q->origin = i;
		else if (s->entry)
			s->fate = s->entry->type == ENTRY_DIRECTORY ? "merged" : "covered";
		if (!ended && (s->block || (s->entry && s->entry->type != ENTRY_DIRECTORY)))
			ended = "covered";
		else if (!ended && s->marker)
			ended = "removed";
	}
}

/* "a link to 'x'", on the heap. */
static char *kind_of(const struct tree *t, const struct entry *entry)
{
	if (entry->type == ENTRY_LINK)
		return mem_format("a link to '%s'", tree_link(t, entry));
	return mem_copy(entry->type == ENTRY_DIRECTORY ? "a directory" : "a file");
}

static void tell_layer(const struct question *q, size_t layer)
{
	const struct tree *t = &q->m->layers[layer].tree;
	const struct say *s = &q->says[layer];
	const int marked = (int)s->marked, blocked = (int)s->blocked;
	owned char *name = q->m->count == 1
				   ? mem_format("  source '%s'", q->m->layers[layer].spec)
				   : mem_format("  source '%s' (layer %zu of %zu)",
						q->m->layers[layer].spec, layer + 1, q->m->count);

	if (s->entry) {
		owned char *kind = kind_of(t, s->entry);

		add_line(q, "%s: %s%s%s", name, kind, s->fate ? ", " : "", s->fate ? s->fate : "");
	}
	if (s->block) {
		owned char *kind = kind_of(t, s->block);

		add_line(q, "%s: %.*s is %s, %s", name, blocked, q->path, kind,
			 s->block->type == ENTRY_LINK ? "which is not followed"
						      : "with nothing below it");
	}
	if (s->marker)
		add_line(q, "%s: %s removes %.*s of the layers below", name,
			 tree_path(t, s->marker), marked, q->path);
}

/* The merge has it, and the filters do not let it through. */
static void tell_filter(const struct question *q)
{
	const struct list *excludes = q->m->exclude;

	for (size_t length = 0; excludes && q->path[length];) {
		length = next_length(q->path, length);
		owned char *part = mem_copy_part(q->path, length);

		for (size_t i = 0; i < excludes->count; i++) {
			if (!pattern_fits(excludes->items[i], part))
				continue;
			add_line(q, "%s is left out: exclude '%s' fits %s%s", q->path,
				 excludes->items[i], q->path[length] ? part : "it",
				 q->path[length] ? ", which holds it" : "");
			return;
		}
	}
	add_line(q, "%s is left out: no include fits it%s", q->path,
		 q->says[q->origin].entry->type == ENTRY_DIRECTORY ? " or what it holds" : "");
}

static void tell_origin(const struct question *q, const struct tree *merged,
			const struct entry *found)
{
	const char *spec = q->m->layers[q->origin].spec;
	const struct list *includes = q->m->include;

	if (found->type == ENTRY_DIRECTORY)
		add_line(q, "%s has its mode, owner and time from source '%s'", q->path, spec);
	else
		add_line(q, "%s comes from source '%s'", q->path, spec);
	/* Then something below it fits one: it follows at once. */
	if (includes && includes->count && !pattern_fits_one(includes, q->path))
		add_line(q, "  no include fits it: it is there because of %s",
			 tree_path(merged, found + 1));
}

/* The line with the answer; whether the layers have something to say to it. */
static bool tell_answer(const struct question *q, const struct tree *merged)
{
	const struct entry *found = tree_find(merged, q->path);
	const char *name = text_last_part(q->path);
	bool somewhere = false;

	for (size_t i = 0; i < q->m->count; i++)
		somewhere |= q->says[i].entry != NULL;
	if (!*q->path)
		add_line(q, "the top of a source is the target itself, which stays as it is");
	else if (text_starts(q->path, "..") || strstr(q->path, "/.."))
		add_line(q, "%s is never synced: names that begin with '..' are reserved", q->path);
	else if (found)
		tell_origin(q, merged, found);
	else if (somewhere && text_starts(name, MERGE_REMOVE_PREFIX))
		add_line(q, "%s is not synced itself: it removes %.*s%s of the layers below",
			 q->path, (int)(name - q->path), q->path,
			 name + strlen(MERGE_REMOVE_PREFIX));
	else if (q->origin < q->m->count)
		tell_filter(q);
	else if (somewhere)
		add_line(q, "%s is not there", q->path);
	else
		add_line(q, "no source has %s", q->path);
	return *q->path != '\0';
}

/* The merge itself has the last word; it uses trees up, so it gets copies. */
static int merge_copies(const struct merge *m, struct tree *ret, struct err *e)
{
	struct layer copies[LAYERS_MOST];
	struct merge of_copies = *m;

	of_copies.layers = copies;
	for (size_t i = 0; i < m->count; i++) {
		const struct tree *t = &m->layers[i].tree;

		copies[i] = m->layers[i];
		copies[i].tree = (struct tree){ 0 };
		for (size_t k = 0; k < t->count; k++)
			tree_add_copy(&copies[i].tree, t, &t->entries[k])->first =
				t->entries[k].first;
	}
	int status = merge_layers(&of_copies, ret, e);
	for (size_t i = 0; i < m->count; i++)
		tree_done(&copies[i].tree);
	return status;
}

bool merge_explain(const struct merge *m, const char *path, struct buf *b)
{
	owned char *normal = normal_path(path);
	struct question q = { .m = m, .path = normal, .b = b };
	struct tree merged = { 0 };
	struct err e;
	bool found = false;

	if (merge_copies(m, &merged, &e) < 0) {
		add_line(&q, "nothing is synced: %s", e.text);
		return false;
	}
	ask_all(&q);
	if (tell_answer(&q, &merged))
		for (size_t i = m->count; i-- > 0;)
			tell_layer(&q, i);
	found = tree_find(&merged, normal) != NULL;
	tree_done(&merged);
	return found;
}
