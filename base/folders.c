/* SPDX-License-Identifier: Apache-2.0 */
/* folders: see folders.h. */
#include "base/folders.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/remote.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORIES_MOST ((size_t)65536)
#define LINKS_MOST 40 /* on the way to a root, as in the kernel */
#define READS_MOST 256

#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define END_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define CONTENT_EVENTS (NAME_EVENTS | END_EVENTS | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

/* A directory that the kernel watches. */
struct place {
	int wd;
	unsigned seen;    /* the walk that came here last */
	unsigned content; /* the same, as below a root and not just on the way to one */
};

/* On the way to a root, this name is looked up in this directory. */
struct step {
	int wd;
	char *name;
};

/* ---- kernel watches ---- */

static void forget_steps(struct folders *f)
{
	for (size_t i = 0; i < f->step_count; i++)
		free(f->steps[i].name);
	f->step_count = 0;
}

void folders_drop(struct folders *f)
{
	fd_close(&f->fd);
	forget_steps(f);
	list_clear(&f->to_see);
	free(f->places);
	f->places = NULL;
	f->place_count = f->place_room = f->watched = 0;
}

/* why: when number is what errno is. The kernel's texts speak of disks and files then. */
static void fail(struct folders *f, const char *what, const char *path, int number, const char *why)
{
	(void)err_set(&f->failure, ERR_SYSTEM, "%s '%s': %s%s", what, path, strerror(errno),
		      errno == number ? why : "");
	folders_drop(f);
}

/* Of what went a moment ago, or cannot be read, the directory above tells when that changes. */
static bool is_gone(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP || number == EACCES ||
	       number == ESTALE;
}

/* Where a wd is, or belongs. New ones are the greatest until the numbers wrap. */
static size_t index_of(const struct folders *f, int wd)
{
	size_t low = 0, high = f->place_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (f->places[middle].wd < wd)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct place *find_place(const struct folders *f, int wd)
{
	size_t i = index_of(f, wd);

	return i < f->place_count && f->places[i].wd == wd ? &f->places[i] : NULL;
}

/* NULL when there are too many. */
static struct place *add_place(struct folders *f, int wd)
{
	struct place *place = find_place(f, wd);
	size_t i = index_of(f, wd);

	if (place)
		return place;
	if (f->place_count == DIRECTORIES_MOST)
		return NULL;
	if (f->place_count == f->place_room) {
		f->place_room = f->place_room ? 2 * f->place_room : 16;
		f->places = mem_resize(f->places, f->place_room, sizeof(*f->places));
	}
	memmove(&f->places[i + 1], &f->places[i], (f->place_count - i) * sizeof(*f->places));
	f->places[i] = (struct place){ .wd = wd };
	f->place_count++;
	return &f->places[i];
}

/* NULL when it is not there, or nothing can be watched any more. */
static struct place *watch_directory(struct folders *f, const char *path, uint32_t events)
{
	int wd = -1;

	if (f->fd < 0)
		return NULL;
	wd = inotify_add_watch(f->fd, path, events | IN_ONLYDIR | IN_MASK_ADD);
	if (wd < 0) {
		if (!is_gone(errno))
			fail(f, "watch", path, ENOSPC,
			     ", the limit is fs.inotify.max_user_watches");
		return NULL;
	}
	struct place *place = add_place(f, wd);
	if (!place) {
		(void)err_set(&f->failure, ERR_SYSTEM, "there are more than %zu directories",
			      DIRECTORIES_MOST);
		folders_drop(f);
		return NULL;
	}
	place->seen = f->walk;
	return place;
}

/* Ends what the walk did not see. Its watch may have ended by itself: no harm. */
static void sweep(struct folders *f)
{
	size_t kept = 0;

	f->watched = 0;
	for (size_t i = 0; i < f->place_count; i++) {
		if (f->places[i].seen != f->walk) {
			(void)inotify_rm_watch(f->fd, f->places[i].wd);
			continue;
		}
		f->watched += f->places[i].content == f->walk;
		f->places[kept++] = f->places[i];
	}
	f->place_count = kept;
}

/* ---- a walk ---- */

static char *join(const char *folder, const char *name)
{
	return mem_format("%s/%s", folder, name);
}

static void watch_step(struct folders *f, const char *folder, const char *name)
{
	struct place *place = watch_directory(f, folder, NAME_EVENTS | END_EVENTS);

	if (!place)
		return;
	f->steps = mem_resize(f->steps, f->step_count + 1, sizeof(*f->steps));
	f->steps[f->step_count++] = (struct step){ place->wd, mem_copy(name) };
}

/* What a link leads to, on the heap; NULL when it is not a link. */
static char *read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target));

	return length < 0 ? NULL : mem_copy_part(target, (size_t)length);
}

/* Watches each directory in which a part of the path is looked up, for that name. */
static void follow(struct folders *f, const char *path)
{
	char *at = mem_copy(*path == '/' ? "/" : ".");
	char *rest = mem_copy(path);
	unsigned links = 0;

	for (;;) {
		const char *part = rest + strspn(rest, "/");
		size_t length = strcspn(part, "/");

		if (!length || f->fd < 0)
			break;
		owned char *name = mem_copy_part(part, length);
		if (!text_is(name, ".") && !text_is(name, ".."))
			watch_step(f, at, name);
		char *next = join(at, name);
		owned char *link = links < LINKS_MOST ? read_link(next) : NULL;
		char *tail = link ? join(link, part + length) : mem_copy(part + length);

		links += link != NULL;
		free(rest);
		rest = tail;
		if (link && *link != '/') {
			free(next);
			continue;
		}
		free(at);
		at = next;
		if (link) {
			free(at);
			at = mem_copy("/");
		}
	}
	free(at);
	free(rest);
}

static bool counts(const struct folders *f, const char *name)
{
	return !text_starts(name, "..") && !(f->ignored && text_is(name, f->ignored));
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static void read_directory(struct folders *f, DIR *dir, const char *path)
{
	const struct dirent *found;

	while ((found = readdir(dir)) != NULL) {
		if ((found->d_type != DT_DIR && found->d_type != DT_UNKNOWN) ||
		    text_is(found->d_name, ".") || !counts(f, found->d_name))
			continue;
		owned char *inner = join(path, found->d_name);
		list_add(&f->to_see, inner);
	}
}

enum seen { SEEN, SEEN_REMOTE, SEEN_NOTHING };

/* no_follow: 0 for a root, which may be a link */
static enum seen see(struct folders *f, const char *path, int no_follow)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_follow);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (!is_gone(errno))
			fail(f, "open", path, 0, "");
		fd_close(&fd);
		return SEEN_NOTHING;
	}
	const char *filesystem = remote_name(fd);
	if (filesystem) {
		if (!f->remote_path)
			f->remote_path = mem_copy(path);
		f->remote_name = filesystem;
		return SEEN_REMOTE;
	}
	struct place *place =
		watch_directory(f, path, CONTENT_EVENTS | (no_follow ? IN_DONT_FOLLOW : 0));
	if (!place)
		return SEEN_NOTHING;
	if (place->content != f->walk && place->content != f->walk - 1)
		f->found_new = true;
	place->content = f->walk;
	read_directory(f, dir, path);
	return SEEN;
}

static void see_root(struct folders *f, size_t i)
{
	const char *path = f->roots->items[i];
	owned char *data = join(path, "..data");

	if (f->remote_roots[i])
		return;
	follow(f, path);
	enum seen seen = see(f, path, 0);
	f->remote_roots[i] = seen == SEEN_REMOTE;
	f->missing |= seen == SEEN_NOTHING;
	owned char *link = seen == SEEN ? read_link(data) : NULL;
	if (seen != SEEN)
		return;
	watch_step(f, path, "..data");
	if (link)
		(void)see(f, data, 0);
}

void folders_begin_walk(struct folders *f)
{
	f->stale = f->found_new = f->missing = false;
	f->walk++;
	forget_steps(f);
	if (f->fd < 0)
		f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd < 0)
		fail(f, "start", "inotify", EMFILE, ", the limit is fs.inotify.max_user_instances");
	for (size_t i = 0; i < f->roots->count && f->fd >= 0; i++)
		see_root(f, i);
}

bool folders_walk(struct folders *f, size_t most)
{
	while (most-- && f->to_see.count) {
		owned char *path = mem_take(f->to_see.items[f->to_see.count - 1]);

		f->to_see.count--;
		(void)see(f, path, O_NOFOLLOW);
	}
	if (f->to_see.count)
		return true;
	list_clear(&f->to_see);
	if (f->fd >= 0)
		sweep(f);
	return false;
}

/* ---- events ---- */

static bool is_step(const struct folders *f, int wd, const char *name)
{
	for (size_t i = 0; i < f->step_count; i++)
		if (f->steps[i].wd == wd && text_is(f->steps[i].name, name))
			return true;
	return false;
}

/* Whether it is a change; notes whether directories have to be walked anew. */
static bool judge(struct folders *f, int wd, uint32_t what, const char *name)
{
	const struct place *place = find_place(f, wd);

	if (what & IN_Q_OVERFLOW) {
		f->stale = true;
		return true;
	}
	if (!place)
		return false;
	if ((what & (END_EVENTS | IN_IGNORED | IN_UNMOUNT)) ||
	    ((what & NAME_EVENTS) && is_step(f, wd, name))) {
		f->stale = true;
		return true;
	}
	if (place->content != f->walk || !counts(f, name))
		return false;
	if (what & IN_ISDIR)
		f->stale = true;
	return true;
}

static bool judge_all(struct folders *f, const char *bytes, size_t length)
{
	struct inotify_event event;
	bool changed = false;

	while (length >= sizeof(event)) {
		memcpy(&event, bytes, sizeof(event));
		bytes += sizeof(event);
		length -= sizeof(event);
		if (event.len > length)
			break;
		const char *name = event.len ? bytes : "";
		if (!event.len || memchr(name, '\0', event.len))
			changed |= judge(f, event.wd, event.mask, name);
		bytes += event.len;
		length -= event.len;
	}
	return changed;
}

bool folders_read(struct folders *f)
{
	char bytes[4096];
	bool changed = false;

	for (int i = 0; i < READS_MOST && f->fd >= 0; i++) {
		ssize_t got = read(f->fd, bytes, sizeof(bytes));

		if (got <= 0)
			break;
		changed |= judge_all(f, bytes, (size_t)got);
	}
	return changed;
}

struct folders folders_init(const struct list *roots, const char *ignored)
{
	return (struct folders){
		.roots = roots,
		.ignored = ignored,
		.fd = -1,
		.remote_roots = mem_alloc(roots->count + 1),
		.walk = 1,
	};
}

void folders_done(struct folders *f)
{
	folders_drop(f);
	free(f->remote_path);
	free(f->remote_roots);
	free(f->steps);
}
