/* SPDX-License-Identifier: Apache-2.0 */
/* folders: see folders.h. */
#include "base/folders.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/remote.h"
#include "base/text.h"
#include "base/way.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORIES_MOST ((size_t)65536)
#define READS_MOST 256
#define DATA "..data" /* the link of kubelet's layout, and of ours */
#define PROOF_NAME "..gs-sidecar-watch"
#define PROOF_TRIES 10 /* of 10 ms */

#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define END_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define CONTENT_EVENTS (NAME_EVENTS | END_EVENTS | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define IDLE_EVENTS (IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE)

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

/* Watches a directory in which a part of the path to a root is looked up, for that name. */
static bool watch_step(void *owner, const char *folder, const char *name)
{
	struct folders *f = owner;
	struct place *place = watch_directory(f, folder, NAME_EVENTS | END_EVENTS);

	if (!place)
		return f->fd >= 0;
	f->steps = mem_resize(f->steps, f->step_count + 1, sizeof(*f->steps));
	f->steps[f->step_count++] = (struct step){ place->wd, mem_copy(name) };
	return true;
}

/* Of an event only the name is known: a pattern for a path says nothing then. */
static bool counts(const struct folders *f, const char *name)
{
	if (text_starts(name, ".."))
		return false;
	for (size_t i = 0; f->exclude && i < f->exclude->count; i++)
		if (!strchr(f->exclude->items[i], '/') && pattern_fits(f->exclude->items[i], name))
			return false;
	return true;
}

/* Patterns are for the path below a root, and what is reached by "..data" has its path there. */
static bool is_left_out(const struct folders *f, const char *path)
{
	for (size_t i = 0; f->exclude && f->exclude->count && i < f->roots->count; i++) {
		size_t length = strlen(f->roots->items[i]);

		if (!text_starts(path, f->roots->items[i]) || path[length] != '/')
			continue;
		path += length + 1;
		path += text_starts(path, DATA "/") ? strlen(DATA "/") : 0;
		return pattern_fits_one(f->exclude, path);
	}
	return false;
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
		bool data = text_is(found->d_name, DATA) && !strstr(path, "/" DATA);

		if (!data && ((found->d_type != DT_DIR && found->d_type != DT_UNKNOWN) ||
			      text_is(found->d_name, ".") || !counts(f, found->d_name)))
			continue;
		owned char *inner = join(path, found->d_name);
		if (!is_left_out(f, inner))
			list_add(&f->to_see, inner);
	}
}

enum seen { SEEN, SEEN_REMOTE, SEEN_NOTHING };

/* A root and "..data" may be links. */
static enum seen see(struct folders *f, const char *path, bool root)
{
	int no_follow = root || text_ends(path, "/" DATA) ? 0 : O_NOFOLLOW;
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

	if (f->remote_roots[i])
		return;
	way_follow(path, watch_step, f);
	enum seen seen = see(f, path, true);
	f->remote_roots[i] = seen == SEEN_REMOTE;
	f->missing |= seen == SEEN_NOTHING;
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
		(void)see(f, path, false);
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

/* Whether it is such a change; notes whether directories have to be walked anew. */
static bool judge(struct folders *f, int wd, uint32_t what, const char *name, uint32_t kinds)
{
	const struct place *place = find_place(f, wd);

	f->proved |= text_is(name, PROOF_NAME);
	if (what & IN_Q_OVERFLOW) {
		f->stale = true;
		return true;
	}
	if (!place)
		return false;
	bool step = is_step(f, wd, name) || (place->content == f->walk && text_is(name, DATA));
	if ((what & (END_EVENTS | IN_IGNORED | IN_UNMOUNT)) || ((what & NAME_EVENTS) && step)) {
		f->stale = true;
		return true;
	}
	if (place->content != f->walk || !counts(f, name))
		return false;
	if (what & IN_ISDIR)
		f->stale = true;
	return what & kinds;
}

static bool judge_all(struct folders *f, const char *bytes, size_t length, uint32_t kinds)
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
			changed |= judge(f, event.wd, event.mask, name, kinds);
		bytes += event.len;
		length -= event.len;
	}
	return changed;
}

bool folders_read(struct folders *f, uint32_t kinds)
{
	char bytes[4096];
	bool changed = false;

	for (int i = 0; i < READS_MOST && f->fd >= 0; i++) {
		ssize_t got = read(f->fd, bytes, sizeof(bytes));

		if (got <= 0)
			break;
		changed |= judge_all(f, bytes, (size_t)got, kinds);
	}
	return changed;
}

static bool prove_root(struct folders *f, size_t i)
{
	owned char *path = join(f->roots->items[i], PROOF_NAME);
	owned_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool changed = false;

	f->proved = fd < 0 && errno != EEXIST;
	if (!f->proved)
		(void)unlink(path);
	for (int tries = 0; !f->proved && tries < PROOF_TRIES; tries++) {
		struct pollfd events = { .fd = f->fd, .events = POLLIN };

		(void)poll(&events, 1, tries ? 10 : 0);
		changed |= folders_read(f, FOLDERS_ALL);
	}
	if (f->proved)
		return changed;
	if (!f->remote_path)
		f->remote_path = mem_copy(f->roots->items[i]);
	f->remote_name = "a filesystem without events";
	f->remote_roots[i] = true;
	return changed;
}

bool folders_prove(struct folders *f)
{
	bool changed = false;

	for (size_t i = 0; i < f->roots->count && f->fd >= 0; i++)
		if (!f->remote_roots[i])
			changed |= prove_root(f, i);
	return changed;
}

/* ---- kinds of events ---- */

static const struct {
	const char *word;
	uint32_t kinds;
} words[] = {
	{ "modify", IN_MODIFY },
	{ "attrib", IN_ATTRIB },
	{ "close_write", IN_CLOSE_WRITE },
	{ "close", IN_CLOSE_WRITE },
	{ "moved_to", IN_MOVED_TO },
	{ "moved_from", IN_MOVED_FROM },
	{ "move", IN_MOVED_TO | IN_MOVED_FROM },
	{ "move_self", IN_MOVE_SELF },
	{ "create", IN_CREATE },
	{ "delete", IN_DELETE },
	{ "delete_self", IN_DELETE_SELF },
	{ "unmount", IN_UNMOUNT },
	{ "access", IN_ACCESS },
	{ "open", IN_OPEN },
	{ "close_nowrite", IN_CLOSE_NOWRITE },
};

static uint32_t kinds_of(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncasecmp(words[i].word, word, length) && !words[i].word[length])
			return words[i].kinds;
	return 0;
}

int folders_kinds(const char *text, uint32_t *kinds, struct err *e)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		uint32_t kind = kinds_of(text, length);

		if (!kind)
			return err_set(e, ERR_USAGE,
				       "expected words of modify, attrib, close_write, close, "
				       "moved_to, moved_from, move, move_self, create, delete, "
				       "delete_self, unmount, access, open and close_nowrite, with "
				       "commas between, got '%.*s'",
				       (int)length, text);
		*kinds |= kind;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

uint32_t folders_idle_kinds(uint32_t kinds)
{
	return kinds & IDLE_EVENTS;
}

struct folders folders_init(const struct list *roots, const struct list *exclude)
{
	return (struct folders){
		.roots = roots,
		.exclude = exclude,
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
