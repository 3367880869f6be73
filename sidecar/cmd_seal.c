/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_seal: `seal`: writes down what a source holds, when its image is built. */
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/pool.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sync/hash.h"
#include "sync/notes.h"
#include "sync/scan.h"
#include "sync/seal.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EPOCH_VARIABLE "SOURCE_DATE_EPOCH" /* reproducible-builds.org */

/* No time of the seal may be later; INT64_MAX when that is not asked for. */
static int latest_time(int64_t *ret, struct err *e)
{
	const char *text = getenv(EPOCH_VARIABLE);

	*ret = INT64_MAX;
	if (text && parse_count(text, 0, INT64_MAX, ret, e) < 0)
		return err_in(e, EPOCH_VARIABLE);
	return 0;
}

int check_seal(const struct config *c, struct err *e)
{
	int64_t latest;

	if (c->operands.count != 1)
		return err_set(e, ERR_USAGE, "expected a directory: gs-sidecar seal DIR");
	if (sync_check_label(c->sync.label, e) < 0)
		return -1;
	return latest_time(&latest, e);
}

static void write_note(void *owner, const char *text)
{
	(void)owner;
	log_warn("%s", text);
}

/* Before everything is read for nothing. */
static int open_to_seal(const char *path, int *ret, struct err *e)
{
	owned_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open directory '%s'", path);
	if (access(path, W_OK | X_OK) < 0 && (errno == EACCES || errno == EROFS))
		return err_sys(e, "write a seal into '%s'", path);
	*ret = fd_take(&fd);
	return 0;
}

static int seal(const struct config *c, int root, struct manifest_head *ret, struct err *e)
{
	/* As a sync with this configuration will see it. */
	const struct scan_place place = {
		.source = root, .target = -1, .state = -1, .exclude = &c->sync.exclude
	};
	const struct sync_notes notes = { .note = write_note };
	const char *label = c->sync.label ? c->sync.label : "";
	struct tree t = { 0 };
	int64_t latest;
	int status = latest_time(&latest, e);

	if (status == 0)
		status = scan_source(&place, &notes, &t, e);
	if (status == 0)
		status = hash_all(root, &t, pool_threads(0), e);
	if (status == 0)
		status = seal_write(root, &t, label, latest, e);
	tree_done(&t);
	/* What the next reader will see. */
	return status < 0 ? -1 : seal_head(root, ret, e);
}

static void print_json(const char *path, const struct manifest_head *h, const char *digest,
		       int64_t took_ms)
{
	struct json *j = json_object();

	json_put_text(j, "directory", path);
	json_put_text(j, "digest", digest);
	json_put_text(j, "label", h->label[0] ? h->label : NULL);
	json_put_number(j, "files", (double)h->files);
	json_put_number(j, "bytes", (double)h->bytes);
	json_put_number(j, "removals", h->whiteouts);
	json_put_number(j, "took_ms", (double)took_ms);
	owned char *text = json_print(j, false);
	json_free(j);
	(void)printf("%s\n", text);
}

static void print_text(const char *path, const struct manifest_head *h, const char *digest,
		       int64_t took_ms)
{
	owned char *printable = text_printable(path);
	char size[TEXT_SIZE_ROOM], span[CLOCK_TEXT_SIZE];

	(void)printf("sealed '%s': %" PRIu64 " files, %s", printable, h->files,
		     text_size(h->bytes, size));
	if (h->whiteouts)
		(void)printf(", removes %" PRIu32 " name%s of lower layers", h->whiteouts,
			     h->whiteouts == 1 ? "" : "s");
	(void)printf("; digest %s, in %s\n", digest, clock_span(took_ms, span));
}

int cmd_seal(struct config *c)
{
	const char *path = c->operands.items[0];
	char digest[DIGEST_TEXT_SIZE];
	struct manifest_head head;
	int64_t began = clock_ms();
	owned_fd root = -1;
	struct err e = { 0 };

	if (open_to_seal(path, &root, &e) < 0)
		return command_failed(&e);
	if (seal(c, root, &head, &e) < 0) {
		(void)err_in(&e, "seal '%s'", path);
		return command_failed(&e);
	}
	(c->json ? print_json : print_text)(path, &head, digest_text(&head.digest, digest),
					    clock_ms() - began);
	return EXIT_DONE;
}
