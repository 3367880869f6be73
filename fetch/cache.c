/* SPDX-License-Identifier: Apache-2.0 */
/* cache: see cache.h. */
#include "fetch/cache.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "fetch/tree.h"
#include "fetch/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE "state.json"
#define STATE_MOST ((size_t)1 << 16)
#define TREE "tree."
#define GONE "gone"
#define TREE_NUMBER_MOST 999999999999
#define LOCK ".lock" /* no source has such a name */
#define LOCK_WAIT_MS 20

static const struct {
	const char *key;
	size_t offset;
} members[] = {
	{ "definition", offsetof(struct cache_state, definition) },
	{ "tree", offsetof(struct cache_state, tree) },
	{ "version", offsetof(struct cache_state, version) },
	{ "fetched_at", offsetof(struct cache_state, fetched_at) },
	{ "checked_at", offsetof(struct cache_state, checked_at) },
	{ "stale_since", offsetof(struct cache_state, stale_since) },
	{ "etag", offsetof(struct cache_state, etag) },
	{ "modified", offsetof(struct cache_state, modified) },
	{ "identity", offsetof(struct cache_state, identity) },
	{ "sha256", offsetof(struct cache_state, sha256) },
	{ "digest", offsetof(struct cache_state, digest) },
	{ "public_key", offsetof(struct cache_state, public_key) },
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static char **member_of(const struct cache_state *s, size_t i)
{
	return (char **)((char *)s + members[i].offset);
}

void cache_state_done(struct cache_state *s)
{
	for (size_t i = 0; i < MEMBERS; i++)
		free(*member_of(s, i));
	*s = (struct cache_state){ 0 };
}

/* 0: not the name of a tree. */
static int64_t tree_number(const char *name)
{
	struct err ignored;
	int64_t number = 0;

	if (text_starts(name, TREE))
		(void)parse_count(name + sizeof(TREE) - 1, 1, TREE_NUMBER_MOST, &number, &ignored);
	return number;
}

void cache_state_read(const char *text, struct cache_state *ret)
{
	struct err ignored;
	struct json *j = json_read(text, &ignored);

	*ret = (struct cache_state){ 0 };
	for (size_t i = 0; i < MEMBERS && j; i++) {
		const char *value = json_text(json_get(j, members[i].key));

		/* They become header lines. */
		if (value && *value && !strpbrk(value, "\r\n"))
			*member_of(ret, i) = mem_copy(value);
	}
	json_free(j);
	if (ret->tree && !tree_number(ret->tree))
		cache_state_done(ret);
}

char *cache_state_text(const struct cache_state *s)
{
	struct json *j = json_object();

	for (size_t i = 0; i < MEMBERS; i++)
		json_put_text(j, members[i].key, *member_of(s, i));
	char *text = json_print(j, true);
	json_free(j);
	return text;
}

static int make_directories(const char *path, struct err *e)
{
	owned char *part = mem_copy(path);

	for (char *slash = part + 1; *part && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make '%s'", part);
		*slash = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s'", path);
	return 0;
}

static int take_lock(int fd, int64_t deadline, struct err *e)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock");
		if (clock_ms() >= deadline)
			return err_set(e, ERR_DEADLINE,
				       "another gs-fetch holds its lock; it ends first, or use "
				       "another directory");
		clock_pause(LOCK_WAIT_MS);
	}
	return 0;
}

/* The lock's descriptor stays open for as long as this process lives. */
int cache_open(const char *dir, int64_t deadline, int *ret_fd, struct err *e)
{
	if (make_directories(dir, e) < 0)
		return -1;
	owned_fd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", dir);
	owned_fd lock = openat(fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_sys(e, "open '%s/" LOCK "'", dir);
	if (take_lock(lock, deadline, e) < 0)
		return err_in(e, "cache '%s'", dir);
	(void)fd_take(&lock);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* What is called a tree is whole: one that goes has another name first. */
int cache_remove(const struct cache_folder *f, const char *name, struct err *e)
{
	const char *leaving = tree_number(name) ? GONE : name;

	if ((leaving == name ||
	     (tree_remove(f->fd, GONE) == 0 && renameat(f->fd, name, f->fd, GONE) == 0)) &&
	    tree_remove(f->fd, leaving) == 0)
		return 0;
	return err_sys(e, "remove '%s/%s'", f->path, name);
}

/* state.json is lost or of no use: a tree with a name is whole all the same. */
static void find_tree(struct cache_folder *f, const struct list *names)
{
	int64_t newest = 0;

	for (size_t i = 0; i < names->count; i++)
		if (tree_number(names->items[i]) > newest)
			newest = tree_number(names->items[i]);
	if (newest)
		f->state.tree = mem_format(TREE "%" PRId64, newest);
}

static void read_state(struct cache_folder *f, const struct list *names)
{
	owned_buf b = BUF_INIT(STATE_MOST);
	struct err ignored;

	if (io_read_regular(f->fd, STATE, &b, &ignored) == 0)
		cache_state_read(b.data, &f->state);
	if (f->state.tree && !io_is_there(f->fd, f->state.tree))
		cache_state_done(&f->state);
	if (!f->state.tree)
		find_tree(f, names);
}

static bool is_ours(const struct cache_folder *f, const char *name)
{
	const char *tree = f->state.tree;

	if (text_has_word(STATE " download download.json", name) || text_is(name, f->work))
		return true;
	if (!tree)
		return false;
	owned char *objects = mem_format(CACHE_OBJECTS ".%s", tree + sizeof(TREE) - 1);
	return text_is(tree, name) || text_is(objects, name);
}

static int open_folder(int cache, const char *name, struct cache_folder *f, struct err *e)
{
	struct list names = { 0 };
	int status = 0;

	/* What work directories hold may be more than what is published. */
	if (mkdirat(cache, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s'", f->path);
	f->fd = openat(cache, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		return err_sys(e, "open '%s'", f->path);
	if (tree_list(f->fd, &names, e) < 0)
		return err_in(e, "'%s'", f->path);
	read_state(f, &names);
	for (size_t i = 0; i < names.count && status == 0; i++)
		if (!is_ours(f, names.items[i]))
			status = cache_remove(f, names.items[i], e);
	list_clear(&names);
	return status;
}

int cache_folder_open(int cache, const char *dir, const char *name, const char *definition,
		      struct cache_folder *ret, struct err *e)
{
	*ret = (struct cache_folder){
		.fd = -1,
		.path = mem_format(text_ends(dir, "/") ? "%s%s" : "%s/%s", dir, name),
		.work = mem_format("work.%s", definition),
	};
	return open_folder(cache, name, ret, e);
}

static bool is_among(const struct list *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_is(names->items[i], name))
			return true;
	return false;
}

int cache_forget_updates(int cache, const struct list *names, struct err *e)
{
	struct list found = { 0 };
	int status = tree_list(cache, &found, e);

	for (size_t i = 0; i < found.count && status == 0; i++)
		if (text_starts(found.items[i], CACHE_UPDATE) && !is_among(names, found.items[i]) &&
		    tree_remove(cache, found.items[i]) < 0)
			status = err_sys(e, "remove '%s'", found.items[i]);
	list_clear(&found);
	return status < 0 ? err_in(e, "cache") : 0;
}

void cache_folder_done(struct cache_folder *f)
{
	fd_close(&f->fd);
	cache_state_done(&f->state);
	free(f->path);
	free(f->work);
	f->path = f->work = NULL;
}

char *cache_tree_path(const struct cache_folder *f)
{
	return f->state.tree ? mem_format("%s/%s", f->path, f->state.tree) : NULL;
}

int cache_work_open(const struct cache_folder *f, struct err *e)
{
	if (mkdirat(f->fd, f->work, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s/%s'", f->path, f->work);
	int fd = openat(f->fd, f->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open '%s/%s'", f->path, f->work) : fd;
}

int cache_new_tree(const struct cache_folder *f, int *ret_fd, struct err *e)
{
	if (cache_remove(f, CACHE_NEW, e) < 0)
		return -1;
	if (mkdirat(f->fd, CACHE_NEW, 0755) < 0)
		return err_sys(e, "make '%s/" CACHE_NEW "'", f->path);
	*ret_fd = openat(f->fd, CACHE_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(e, "open '%s/" CACHE_NEW "'", f->path) : 0;
}

int cache_state_save(const struct cache_folder *f, struct err *e)
{
	owned char *text = cache_state_text(&f->state);

	if (io_replace_file(f->fd, STATE, text, strlen(text), e) < 0)
		return err_in(e, "'%s'", f->path);
	return 0;
}

/* The list of a prefix' objects has the number of its tree. */
static int place_objects(const struct cache_folder *f, int64_t number, struct err *e)
{
	owned char *name = mem_format(CACHE_OBJECTS ".%" PRId64, number);

	if (renameat(f->fd, CACHE_OBJECTS, f->fd, name) < 0 && errno != ENOENT)
		return err_sys(e, "rename '%s/" CACHE_OBJECTS "'", f->path);
	return 0;
}

int cache_commit(struct cache_folder *f, struct cache_state *next, struct err *e)
{
	owned char *old = f->state.tree ? mem_copy(f->state.tree) : NULL;
	int64_t number = old ? tree_number(old) + 1 : 1;
	owned char *tree = mem_format(TREE "%" PRId64, number);

	if (place_objects(f, number, e) < 0)
		return -1;
	if (renameat(f->fd, CACHE_NEW, f->fd, tree) < 0)
		return err_sys(e, "rename '%s/" CACHE_NEW "'", f->path);
	cache_state_done(&f->state);
	f->state = *next;
	*next = (struct cache_state){ 0 };
	free(f->state.tree);
	f->state.tree = mem_take(tree);
	if (cache_state_save(f, e) < 0)
		return -1;
	if (!old)
		return 0;
	owned char *objects = mem_format(CACHE_OBJECTS ".%s", old + sizeof(TREE) - 1);
	if (cache_remove(f, objects, e) < 0)
		return -1;
	return cache_remove(f, old, e);
}
