/* SPDX-License-Identifier: Apache-2.0 */
/* arrival: see arrival.h. */
#include "fetch/arrival.h"

#include "base/digest.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "fetch/digester.h"
#include "fetch/source.h"
#include "fetch/tree.h"
#include "fetch/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 * 1024)

struct arrival arrival_init(struct fetch *f, const char *name, int tree)
{
	return (struct arrival){ .fetch = f, .name = name, .tree = tree };
}

bool arrival_digest_is_wanted(const struct fetch_source *s, bool marked)
{
	return s->sha256 || s->signature || !marked;
}

static void forget_quick(struct arrival *a)
{
	digest_free(a->quick);
	a->quick = NULL;
}

static void forget(struct arrival *a)
{
	ahead_stop(&a->ahead);
	digester_free(a->digest);
	a->digest = NULL;
	forget_quick(a);
	a->length = 0;
	a->let_go = false;
}

void arrival_done(struct arrival *a)
{
	forget(a);
}

/* What was unpacked of another file than the one that comes now. */
static int empty_tree(const struct arrival *a, struct err *e)
{
	int fd = openat(a->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;
	int status = 0;

	if (!dir) {
		(void)err_sys(e, "read what was unpacked");
		fd_close(&fd);
		return -1;
	}
	while (status == 0 && (found = io_next_entry(dir)))
		if (tree_remove(a->tree, found->d_name) < 0)
			status = err_sys(e, "remove what was unpacked");
	(void)closedir(dir);
	return status;
}

static int begin_tree(struct arrival *a, int fd, struct err *e)
{
	const struct fetch_source *s = a->fetch->source;
	const struct ahead_plan plan = {
		.archive = fd,
		.name = a->name,
		.tree = a->tree,
		.most = { .bytes = (uint64_t)s->most_bytes,
			  .files = (uint64_t)s->most_files,
			  .ratio = (uint64_t)s->most_ratio },
		.deadline = a->fetch->deadline,
	};

	return ahead_start(&a->ahead, &plan, e);
}

/* ---- while it comes ---- */

static void add_to_digest(struct arrival *a, const void *bytes, size_t count)
{
	if (a->digest)
		digester_add(a->digest, bytes, count);
	else if (a->quick)
		digest_add(a->quick, bytes, count);
}

/* What is there already, of a download that was cut. */
static int add_part(struct arrival *a, int fd, int64_t have, struct err *e)
{
	owned char *chunk = mem_alloc(CHUNK);

	while (a->length < have) {
		size_t left = (size_t)(have - a->length);
		ssize_t got = pread(fd, chunk, left < CHUNK ? left : CHUNK, a->length);

		if (got <= 0)
			return got < 0 ? err_sys(e, "read")
				       : err_set(e, ERR_SYSTEM, "what had come got shorter");
		add_to_digest(a, chunk, (size_t)got);
		a->length += got;
		ahead_has(&a->ahead, a->length);
	}
	return 0;
}

static int on_begin(void *owner, int fd, int64_t have, bool marked, struct err *e)
{
	struct arrival *a = owner;
	bool again = a->begun, wanted = arrival_digest_is_wanted(a->fetch->source, marked);

	forget(a);
	a->begun = true;
	a->digest = wanted ? digester_new() : NULL;
	a->quick = wanted ? NULL : digest_new();
	if (again && a->early && empty_tree(a, e) < 0)
		return -1;
	if (a->early && begin_tree(a, fd, e) < 0)
		return -1;
	return add_part(a, fd, have, e);
}

static int on_more(void *owner, const void *bytes, size_t count, struct err *e)
{
	struct arrival *a = owner;

	add_to_digest(a, bytes, count);
	if (a->let_go && ahead_put(&a->ahead, a->length, bytes, count, a->fetch->deadline, e) < 0)
		return -1;
	a->length += (int64_t)count;
	ahead_has(&a->ahead, a->length);
	return 0;
}

/* When its end is here it is unpacked: to know then that it was there before saves nothing. */
static bool on_let_go(void *owner, int64_t have, int64_t whole)
{
	struct arrival *a = owner;

	a->let_go = ahead_use_ring(&a->ahead, have, whole);
	if (a->let_go)
		forget_quick(a);
	return a->let_go;
}

struct download_follower arrival_follower(struct arrival *a)
{
	return (struct download_follower){
		.begin = on_begin, .more = on_more, .let_go = on_let_go, .owner = a
	};
}

/* ---- when it is there ---- */

int arrival_is_there(struct arrival *a, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "'%s'", a->name);
	if (begin_tree(a, fd, e) < 0)
		return -1;
	a->length = st.st_size;
	ahead_has(&a->ahead, a->length);
	return 0;
}

int arrival_digest(struct arrival *a, int fd, struct trust_digest *ret, struct err *e)
{
	if (!a->digest)
		return trust_file(fd, ret, e);
	*ret = digester_result(a->digest);
	/* What is unpacked from here on is so by a process that has no threads. */
	digester_free(a->digest);
	a->digest = NULL;
	return 0;
}

char *arrival_quick_digest(const struct arrival *a)
{
	char text[DIGEST_TEXT_SIZE];

	if (!a->quick)
		return NULL;
	struct digest d = digest_result(a->quick);
	return mem_copy(digest_text(&d, text));
}

int arrival_unpack(struct arrival *a, int fd, struct err *e)
{
	if (!a->ahead.pid && arrival_is_there(a, fd, e) < 0)
		return -1;
	if (ahead_await(&a->ahead, a->length, e) < 0)
		return -1;
	a->fetch->checked = true;
	return 0;
}
