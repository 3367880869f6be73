/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify: `verify`: is what lies there still what was sealed, or published? Reads it all. */
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sync/layout.h"
#include "sync/seal.h"
#include "sync/state.h"
#include "sync/tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define DIFFERENCES_MOST 10000 /* that --json lists; all are counted */

int check_verify(const struct config *c, struct err *e)
{
	if (c->operands.count > 1)
		return err_set(e, ERR_USAGE, "expected one directory: gs-sidecar verify [DIR]");
	if (!c->operands.count && !c->sync.target)
		return err_set(
			e, ERR_USAGE,
			"expected a sealed directory, gs-sidecar verify DIR, or --target DIR");
	return 0;
}

/* What is compared with what. */
struct comparison {
	const char *path;
	int place;   /* the directory of that path */
	int root;    /* what is compared; place itself, or the current tree in it */
	bool linked; /* place has a link for each name at the top of root */
	bool sealed; /* else published */
	char digest[DIGEST_TEXT_SIZE];
	struct tree tree;
	struct json *list; /* of --json; else differences are printed as they are told */
	int64_t listed;
};

static void tell(void *owner, const char *path, const char *what)
{
	struct comparison *cmp = owner;

	if (!cmp->list) {
		owned char *printable = text_printable(path);

		(void)printf("%-8s %s\n", what, printable);
		return;
	}
	if (cmp->listed == DIFFERENCES_MOST)
		return;
	struct json *one = json_object();
	json_put_text(one, "path", path);
	json_put_text(one, "difference", what);
	json_add(cmp->list, one);
	cmp->listed++;
}

/* 0, 1 when there is nothing to compare with. */
static int load_seal(struct comparison *cmp, struct err *e)
{
	struct manifest_head head;
	int status = seal_read(cmp->place, &head, &cmp->tree, e);

	cmp->sealed = true;
	cmp->root = cmp->place;
	if (status == 0)
		(void)digest_text(&head.digest, cmp->digest);
	if (status == 1)
		return err_set(e, ERR_USAGE,
			       "it is not sealed: 'gs-sidecar seal' does that; or is it a target, "
			       "for --target?");
	return status;
}

static int read_published(const struct state *s, struct comparison *cmp, struct err *e)
{
	const struct record published = state_published(s);

	if (!published.digest[0])
		return 1;
	(void)snprintf(cmp->digest, sizeof(cmp->digest), "%s", published.digest);
	return state_manifest(s, published.digest, &cmp->tree, e);
}

static int open_published(struct comparison *cmp, struct err *e)
{
	struct layout layout;

	if (layout_read(cmp->place, &layout, e) < 0)
		return -1;
	cmp->linked = layout.data;
	cmp->root = layout_open(cmp->place, &layout, e);
	return cmp->root < 0 ? -1 : 0;
}

static int load_published(const struct config *c, struct comparison *cmp, struct err *e)
{
	owned char *standard = state_default_path(c->sync.target);
	struct state s = STATE_INIT;
	int status = state_open_existing(&s, c->sync.state ? c->sync.state : standard, e);

	if (status == 0)
		status = read_published(&s, cmp, e);
	if (status == 0)
		status = open_published(cmp, e);
	state_close(&s);
	return status;
}

static void print_json(const struct comparison *cmp, int64_t differences, int64_t took_ms)
{
	struct json *j = json_object();
	uint64_t files, bytes;

	tree_totals(&cmp->tree, &files, &bytes);
	json_put_bool(j, "same", cmp->digest[0] && differences == 0);
	json_put_text(j, "directory", cmp->path);
	json_put_text(j, "against", cmp->sealed ? "seal" : "published");
	json_put_text(j, "digest", cmp->digest[0] ? cmp->digest : NULL);
	json_put_number(j, "files", (double)files);
	json_put_number(j, "bytes", (double)bytes);
	json_put_number(j, "took_ms", (double)took_ms);
	json_put_number(j, "count", (double)differences);
	json_put_number(j, "not_listed", (double)(differences - cmp->listed));
	json_put(j, "differences", cmp->list);
	owned char *text = json_print(j, false);
	json_free(j);
	(void)printf("%s\n", text);
}

static void print_summary(const struct comparison *cmp, int64_t differences, int64_t took_ms)
{
	owned char *printable = text_printable(cmp->path);
	char size[TEXT_SIZE_ROOM], span[CLOCK_TEXT_SIZE];
	uint64_t files, bytes;

	tree_totals(&cmp->tree, &files, &bytes);
	if (differences)
		(void)printf("%" PRId64 " difference%s", differences, differences == 1 ? "" : "s");
	else
		(void)printf("no difference");
	(void)printf(" between '%s' and %s %s: %" PRIu64 " files, %s, compared in %s\n", printable,
		     cmp->sealed ? "its seal" : "the published version", cmp->digest, files,
		     text_size(bytes, size), clock_span(took_ms, span));
}

/* Whoever reads the target goes by its links. */
static int64_t compare_links(struct comparison *cmp)
{
	int64_t told = 0;

	for (size_t i = 0; i < cmp->tree.count; i = tree_end_of(&cmp->tree, i)) {
		const char *name = tree_path(&cmp->tree, &cmp->tree.entries[i]);

		if (layout_has_link(cmp->place, name))
			continue;
		tell(cmp, name, "link");
		told++;
	}
	return told;
}

static int compare(struct comparison *cmp, bool json, struct err *e)
{
	const struct verify v = {
		.root = cmp->root,
		.tree = &cmp->tree,
		.how = VERIFY_FULL,
		.threads = pool_threads(0),
		.extras = cmp->sealed, /* a target may hold what is not ours */
	};
	int64_t began = clock_ms();

	cmp->list = json ? json_array() : NULL;
	int64_t links = cmp->linked ? compare_links(cmp) : 0;
	int64_t differences = verify_all(&v, tell, cmp, e);
	if (differences < 0) {
		json_free(cmp->list);
		return -1;
	}
	differences += links;
	(json ? print_json : print_summary)(cmp, differences, clock_ms() - began);
	return differences ? EXIT_NO : EXIT_DONE;
}

/* There is nothing that could differ, but that is no reason to say that all is well. */
static int tell_nothing_published(struct comparison *cmp, bool json)
{
	owned char *printable = text_printable(cmp->path);

	(void)fprintf(stderr, "gs-sidecar: nothing is published in '%s'\n", printable);
	if (json) {
		cmp->list = json_array();
		print_json(cmp, 0, 0);
	}
	return EXIT_NO;
}

/* The exit status, or -1 with e. */
static int verify(const struct config *c, struct comparison *cmp, struct err *e)
{
	int status = c->operands.count ? load_seal(cmp, e) : load_published(c, cmp, e);

	if (status > 0)
		return tell_nothing_published(cmp, c->json);
	return status < 0 ? -1 : compare(cmp, c->json, e);
}

int cmd_verify(struct config *c)
{
	struct comparison cmp = {
		.path = c->operands.count ? c->operands.items[0] : c->sync.target,
		.root = -1,
	};
	owned_fd place = open(cmp.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = { 0 };
	int status;

	if (place < 0) {
		(void)err_sys(&e, "open directory '%s'", cmp.path);
		return command_failed(&e);
	}
	cmp.place = place;
	status = verify(c, &cmp, &e);
	tree_done(&cmp.tree);
	if (cmp.root != place)
		fd_close(&cmp.root);
	if (status >= 0)
		return status;
	(void)err_in(&e, "verify '%s'", cmp.path);
	return command_failed(&e);
}
