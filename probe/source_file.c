/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_file: what a file says, such as the state in /etc/gsinfo, or how old it is.
 *
 * Links are followed, so a file of a volume of Kubernetes, FILE -> ..data/FILE -> ..2026_1/FILE,
 * is the old or the new one whole: it is opened once. One that is written in place while it is read
 * is read again.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "probe/evidence.h"
#include "probe/source_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_MOST ((size_t)64 * 1024)
#define TRIES_MOST 5

static int check(const struct source_settings *s, struct err *e)
{
	if (!*s->file)
		return err_set(e, ERR_USAGE, "\"file\": expected a path");
	if (s->age && s->json)
		return err_set(e, ERR_USAGE, "it cannot have both, \"age\" and \"json\"");
	return 0;
}

static int must_be_regular(const struct stat *st, struct err *e)
{
	return S_ISREG(st->st_mode) ? 0 : err_set(e, ERR_REMOTE, "it is not a regular file");
}

static uint64_t add_time(uint64_t evidence, const struct timespec *t)
{
	return evidence_add(evidence_add(evidence, (uint64_t)t->tv_sec), (uint64_t)t->tv_nsec);
}

static uint64_t identity_of(const struct stat *st)
{
	uint64_t evidence = evidence_add(0, st->st_dev);

	evidence = evidence_add(evidence, st->st_ino);
	evidence = evidence_add(evidence, (uint64_t)st->st_size);
	return add_time(add_time(evidence, &st->st_mtim), &st->st_ctim);
}

/* Times of files go by ticks of some milliseconds: within one, the content tells. */
static uint64_t evidence_of(const struct stat *st, const struct buf *b)
{
	uint64_t evidence = identity_of(st);

	for (size_t i = 0; i < b->length; i++)
		evidence = evidence_add(evidence, (unsigned char)b->data[i]);
	return evidence;
}

/* 1 when it changed meanwhile. */
static int read_once(const char *path, struct buf *b, uint64_t *ret_evidence, struct err *e)
{
	/* A pipe is not waited for, and a terminal does not become ours. */
	owned_fd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat before, after;

	buf_clear(b);
	if (fd < 0 || fstat(fd, &before) < 0)
		return err_sys(e, "it cannot be read");
	if (must_be_regular(&before, e) < 0 || io_read_all(fd, b, e) < 0)
		return -1;
	if (fstat(fd, &after) < 0)
		return err_sys(e, "it cannot be read");
	/* The files of /proc have content, but neither size nor history. */
	*ret_evidence = after.st_size ? evidence_of(&after, b) : 0;
	return identity_of(&before) != identity_of(&after) ||
	       (after.st_size && (size_t)after.st_size != b->length);
}

static int age_of(const char *path, double *ret, struct err *e)
{
	struct timespec now;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "its age cannot be told");
	if (must_be_regular(&st, e) < 0)
		return -1;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = now.tv_sec - st.st_mtim.tv_sec - (now.tv_nsec < st.st_mtim.tv_nsec);
	if (age < 0)
		return err_set(e, ERR_REMOTE, "it was modified in the future");
	*ret = (double)age;
	return 0;
}

static int read_or_stat(const struct source_settings *s, struct buf *b, uint64_t *ret_evidence,
			double *ret_age, struct err *e)
{
	int status = 1;

	/* It may be gone for a moment: a volume's old folder is removed once ..data is another. */
	for (int i = 0; i < TRIES_MOST && (status > 0 || (status < 0 && e->sys == ENOENT)); i++)
		status = s->age ? age_of(s->file, ret_age, e)
				: read_once(s->file, b, ret_evidence, e);
	if (status > 0)
		return err_set(e, ERR_REMOTE, "it changed while it was read, %d times", TRIES_MOST);
	if (status == 0 && strlen(b->data) != b->length)
		return err_set(e, ERR_REMOTE, "it is not text: it has a zero byte");
	return status;
}

static void look(struct source *s)
{
	owned_buf b = BUF_INIT(FILE_MOST);
	uint64_t evidence = 0;
	struct err e;
	double age = 0;

	if (read_or_stat(s->settings, &b, &evidence, &age, &e) < 0) {
		(void)err_in(&e, "file '%s'", s->settings->file);
		source_fail(s, &e);
	} else if (s->settings->age) {
		source_say_number(s, age);
	} else {
		source_say_json(s, b.data, evidence);
	}
}

const struct source_kind source_file = {
	.name = "file",
	.takes = "json age",
	.check = check,
	.look = look,
};
