/* SPDX-License-Identifier: Apache-2.0 */
/* content: see content.h. */
#include "reloader/content.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "reloader/known.h"
#include "reloader/publication.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 2
#define CHUNK ((size_t)32 * 1024)
#define PLACES_MOST ((size_t)256) /* state directories */
#define LACK_PAUSE_MS 1000
/* A file that is changed again within its clock's grain may have the same stat and other bytes. */
#define GRAIN_SECONDS 2

struct sum {
	uint64_t parts[2];
};

struct content {
	struct content_plan plan;
	struct loop *loop;
	struct loop_timer turn; /* armed while it is looking */
	struct known known;
	struct digest_stream *small, *bytes; /* for what is hashed at once, and by and by */
	struct list places;                  /* where a publication shows */

	struct sum *sums; /* of each root, as last seen */
	bool *gone;       /* which of them are not there */
	size_t root;      /* which is being looked at */
	struct sum sum;   /* of it, so far */
	struct list to_see;
	DIR *dir;
	int fd; /* of the file that is being read; -1: none */
	struct stat st;
	char path[PATH_MAX]; /* of what is being looked at */
	size_t length;       /* of its directory's part */
	size_t files, files_before;
	bool begun, lacks, troubled;
	bool told_trouble; /* in an earlier look */

	bool newest_is_file;
	int64_t newest_at; /* nanoseconds */
	char newest[PATH_MAX];
};

static uint64_t as_number(const struct digest_stream *s)
{
	const struct digest d = digest_result(s);
	uint64_t number;

	memcpy(&number, d.bytes, sizeof(number));
	return number;
}

/* ---- one name ---- */

static const char *path_below_root(const struct content *c)
{
	return c->path + strlen(c->plan.roots->items[c->root]) + 1;
}

/* Which file it is, in what state. */
static uint64_t key_of(const struct content *c)
{
	const struct stat *st = &c->st;
	const uint64_t state[] = {
		st->st_dev,
		st->st_ino,
		st->st_mode,
		(uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec,
		(uint64_t)st->st_ctim.tv_nsec,
	};

	digest_reset(c->small);
	digest_add(c->small, state, sizeof(state));
	digest_add(c->small, c->path, strlen(c->path));
	return as_number(c->small);
}

/* The sum of all names is the same in whatever order they are met. */
static void count_name(struct content *c, uint64_t inner)
{
	const char *path = path_below_root(c);
	const uint64_t what[] = { c->st.st_mode, inner };
	struct sum add;

	digest_reset(c->small);
	digest_add(c->small, what, sizeof(what));
	digest_add(c->small, path, strlen(path));
	const struct digest d = digest_result(c->small);
	memcpy(&add, d.bytes, sizeof(add));
	c->sum.parts[0] += add.parts[0];
	c->sum.parts[1] += add.parts[1];
}

/* It counts as its size and time then. */
static void count_unread(struct content *c)
{
	if (!c->troubled && !c->told_trouble)
		log_warn("cannot read '%s', and judge it by its size and time: %s", c->path,
			 strerror(errno));
	c->troubled = true;
	count_name(c, (uint64_t)c->st.st_size ^ (uint64_t)c->st.st_mtim.tv_sec << 32 ^
			      (uint64_t)c->st.st_mtim.tv_nsec);
}

/* Nothing is wrong with the file: we are short of something, and it may be over soon. */
static bool is_lack(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM;
}

static bool is_gone(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ESTALE;
}

static void fail_name(struct content *c)
{
	if (is_lack(errno))
		c->lacks = true;
	else if (!is_gone(errno))
		count_unread(c);
}

/* Files come before directories, whose time tells of a name that came or went. */
static void note_newest(struct content *c, bool file)
{
	int64_t at = (int64_t)c->st.st_ctim.tv_sec * 1000000000 + c->st.st_ctim.tv_nsec;

	if (file == c->newest_is_file ? at < c->newest_at : c->newest_is_file)
		return;
	c->newest_is_file = file;
	c->newest_at = at;
	memcpy(c->newest, c->path, strlen(c->path) + 1);
}

static void begin_file(struct content *c)
{
	uint64_t inner;

	c->files++;
	if (known_find(&c->known, key_of(c), &inner)) {
		count_name(c, inner);
		return;
	}
	c->fd = openat(dirfd(c->dir), c->path + c->length + 1,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0) {
		fail_name(c);
	} else if (fstat(c->fd, &c->st) < 0 || !S_ISREG(c->st.st_mode)) {
		fd_close(&c->fd); /* it was replaced just now: that is told by an event */
	} else {
		digest_reset(c->bytes);
		note_newest(c, true);
	}
}

static void end_file(struct content *c)
{
	uint64_t inner = as_number(c->bytes);

	fd_close(&c->fd);
	count_name(c, inner);
	if (c->st.st_ctim.tv_sec + GRAIN_SECONDS < time(NULL))
		known_add(&c->known, key_of(c), inner);
}

static void read_on(struct content *c)
{
	char bytes[CHUNK];
	ssize_t got = read(c->fd, bytes, sizeof(bytes));

	if (got > 0) {
		digest_add(c->bytes, bytes, (size_t)got);
	} else if (got == 0) {
		end_file(c);
	} else if (errno != EINTR) {
		fail_name(c);
		fd_close(&c->fd);
	}
}

static void count_link(struct content *c)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dirfd(c->dir), c->path + c->length + 1, target, sizeof(target));

	if (length < 0) {
		fail_name(c);
		return;
	}
	digest_reset(c->small);
	digest_add(c->small, target, (size_t)length);
	count_name(c, as_number(c->small));
}

/* ---- directories ---- */

/* Puts the name behind the directory's path; false when that does not fit. */
static bool take_name(struct content *c, const char *name)
{
	size_t length = strlen(name);

	if (c->length + 1 + length >= sizeof(c->path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	c->path[c->length] = '/';
	memcpy(c->path + c->length + 1, name, length + 1);
	return true;
}

static bool is_left_out(const struct content *c)
{
	const char *path = path_below_root(c);

	path += text_starts(path, "..data/") ? strlen("..data/") : 0;
	return pattern_fits_one(c->plan.exclude, path);
}

static void see_name(struct content *c, const char *name)
{
	if (!take_name(c, name)) {
		count_unread(c);
		return;
	}
	if (text_is(name, "..data") && !strstr(path_below_root(c), "..data/"))
		list_add(&c->to_see, c->path);
	if (publication_is_state(name) && c->places.count < PLACES_MOST)
		list_add(&c->places, c->path);
	if (text_is(name, ".") || text_starts(name, "..") || publication_is_state(name) ||
	    is_left_out(c))
		return;
	if (fstatat(dirfd(c->dir), name, &c->st, AT_SYMLINK_NOFOLLOW) < 0) {
		c->st = (struct stat){ 0 };
		fail_name(c);
	} else if (S_ISREG(c->st.st_mode)) {
		begin_file(c);
	} else if (S_ISLNK(c->st.st_mode)) {
		count_link(c);
	} else {
		count_name(c, c->st.st_rdev);
		if (!S_ISDIR(c->st.st_mode))
			return;
		note_newest(c, false);
		list_add(&c->to_see, c->path);
	}
}

static void close_dir(struct content *c)
{
	if (c->dir)
		(void)closedir(c->dir);
	c->dir = NULL;
}

/* A root and "..data" may be links. */
static bool open_dir(struct content *c, const char *path)
{
	bool follow = text_ends(path, "/..data") || text_is(path, c->plan.roots->items[c->root]);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));

	c->dir = fd < 0 ? NULL : fdopendir(fd);
	if (!c->dir)
		return false;
	c->length = strlen(path);
	memcpy(c->path, path, c->length + 1);
	return true;
}

static void see_next_dir(struct content *c)
{
	owned char *path = mem_take(c->to_see.items[c->to_see.count - 1]);

	c->to_see.count--;
	if (open_dir(c, path))
		return;
	c->lacks |= is_lack(errno);
	if (is_gone(errno) || c->lacks)
		return;
	if (!c->troubled && !c->told_trouble)
		log_warn("cannot look into '%s', so what changes there is not noticed: %s", path,
			 strerror(errno));
	c->troubled = true;
}

/* ---- a look ---- */

static void stop(struct content *c)
{
	loop_timer_stop(c->loop, &c->turn);
	close_dir(c);
	fd_close(&c->fd);
	list_clear(&c->to_see);
}

/* The next root that is there; false after the last. */
static bool begin_root(struct content *c)
{
	const struct list *roots = c->plan.roots;

	for (; c->root < roots->count && !c->lacks; c->root++) {
		c->sum = (struct sum){ 0 };
		bool there = open_dir(c, roots->items[c->root]);
		c->lacks = !there && is_lack(errno);
		if (!there && !c->lacks && !c->gone[c->root])
			log_warn("cannot look into '%s', waiting for it: %s", roots->items[c->root],
				 strerror(errno));
		c->gone[c->root] = !there;
		if (there)
			return true;
	}
	return false;
}

/* One more piece; false when there is none, or something is lacking. */
static bool step(struct content *c)
{
	const struct dirent *found;

	if (c->fd >= 0) {
		read_on(c);
	} else if (c->dir) {
		found = readdir(c->dir);
		if (found)
			see_name(c, found->d_name);
		else
			close_dir(c);
	} else if (c->to_see.count) {
		see_next_dir(c);
	} else {
		c->sums[c->root++] = c->sum;
		return begin_root(c);
	}
	return !c->lacks;
}

/* False when that was all. */
static bool look_on(struct content *c)
{
	int64_t end = clock_ms() + SLICE_MS;
	bool more = c->begun || begin_root(c);

	c->begun = true;
	while (more && clock_ms() < end)
		more = step(c);
	return more;
}

static void on_turn(struct loop_timer *t)
{
	struct content *c = t->owner;

	if (look_on(c)) {
		loop_timer_start(c->loop, &c->turn, 0);
		return;
	}
	if (c->lacks) {
		content_begin(c);
		loop_timer_start(c->loop, &c->turn, LACK_PAUSE_MS);
		return;
	}
	stop(c);
	known_sweep(&c->known);
	c->files_before = c->files;
	c->told_trouble = c->troubled;
	c->plan.on_done(c->plan.owner);
}

void content_begin(struct content *c)
{
	stop(c);
	c->root = 0;
	c->files = 0;
	c->newest_is_file = false;
	c->newest_at = 0;
	c->newest[0] = '\0';
	c->begun = c->lacks = c->troubled = false;
	list_clear(&c->places);
	for (size_t i = 0; i < c->plan.roots->count; i++)
		publication_places(c->plan.roots->items[i], &c->places);
	loop_timer_start(c->loop, &c->turn, 0);
}

bool content_is_looking(const struct content *c)
{
	return c->turn.armed;
}

struct digest content_digest(const struct content *c)
{
	digest_reset(c->small);
	digest_add(c->small, c->sums, c->plan.roots->count * sizeof(*c->sums));
	return digest_result(c->small);
}

size_t content_files(const struct content *c)
{
	return c->files_before;
}

const char *content_newest(const struct content *c)
{
	return c->newest;
}

bool content_is_published(const struct content *c)
{
	return publication_is_under_way(&c->places);
}

struct content *content_new(struct loop *l, const struct content_plan *plan)
{
	struct content *c = mem_alloc(sizeof(*c));

	c->plan = *plan;
	c->loop = l;
	c->turn = (struct loop_timer){ .on_time = on_turn, .owner = c };
	c->small = digest_new();
	c->bytes = digest_new();
	c->sums = mem_alloc((plan->roots->count + 1) * sizeof(*c->sums));
	c->gone = mem_alloc(plan->roots->count + 1);
	c->fd = -1;
	return c;
}

void content_free(struct content *c)
{
	if (!c)
		return;
	stop(c);
	known_done(&c->known);
	digest_free(c->small);
	digest_free(c->bytes);
	list_clear(&c->places);
	free(c->sums);
	free(c->gone);
	free(c);
}
