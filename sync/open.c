/* SPDX-License-Identifier: Apache-2.0 */
/* open: the directories of a sync; see sync.h. */
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/apart.h"
#include "sync/layers.h"
#include "sync/layout.h"
#include "sync/publish_exchange.h"
#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_CONTENT "manifests" /* what a new state directory has in it, and its lock */

static int check_sources(const struct sync_settings *settings, const char *state, struct err *e)
{
	struct layers layers;
	int status = layers_open(&layers, settings, e);

	for (size_t i = 0; i < layers.count && status == 0; i++) {
		const struct apart a = { .source = layers.items[i].root,
					 .spec = layers.items[i].spec,
					 .target = settings->target,
					 .state = state };

		status = apart_check(&a, e);
	}
	layers_close(&layers);
	return status;
}

/* The path of inner below outer as text, NULL when it is not below. */
static char *path_below(const char *inner, const char *outer)
{
	owned char *real_inner = realpath(inner, NULL);
	owned char *real_outer = realpath(outer, NULL);

	if (!real_inner || !real_outer || !text_starts(real_inner, real_outer))
		return NULL;
	const char *rest = real_inner + strlen(real_outer);
	return *rest == '/' ? mem_copy(rest + 1) : NULL;
}

static int check_target(const char *path, struct err *e)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make target '%s'", path);
	owned_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "target '%s'", path);
	/* Now, since with a state directory elsewhere the first rename would be what finds out. */
	if (access(path, W_OK | X_OK) < 0 && (errno == EACCES || errno == EROFS))
		return err_sys(e, "write to target '%s'", path);
	return 0;
}

static bool wants_it_beside(const struct sync_settings *settings)
{
	return !settings->state && settings->publish == SYNC_PUBLISH_EXCHANGE;
}

/* One that is still in the target is moved once its lock is ours. */
char *sync_state_path(const struct sync_settings *settings)
{
	char *path =
		settings->state ? mem_copy(settings->state) : state_default_path(settings->target);

	if (!wants_it_beside(settings) || access(path, F_OK) == 0)
		return path;
	free(path);
	return state_path_beside(settings->target);
}

int sync_open(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	owned char *state = sync_state_path(settings);

	if (settings->publish == SYNC_PUBLISH_EXCHANGE &&
	    publish_exchange_check_target(settings->target, e) < 0)
		return -1;
	if (check_sources(settings, state, e) < 0 || check_target(settings->target, e) < 0 ||
	    state_open(&s->state, state, e) < 0)
		return -1;
	s->reserved = path_below(state, settings->target);
	return 0;
}

/* Whether path is the state directory that is open. */
static bool is_open_one(const struct sync *s, const char *path)
{
	struct stat here, there;

	return fstat(s->state.dir, &here) == 0 && stat(path, &there) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static void set_path(struct sync *s, const struct sync_settings *settings, const char *path)
{
	free(s->state.path);
	free(s->reserved);
	s->state.path = mem_copy(path);
	s->reserved = path_below(path, settings->target);
}

static int move_beside(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	owned char *beside = state_path_beside(settings->target);

	if (state_move(&s->state, beside, e) < 0)
		return err_in(e, "publish 'exchange'");
	set_path(s, settings, beside);
	return 0;
}

/* Only one that was made a moment ago has nothing in it. */
static void remove_if_new(const struct state *s)
{
	if (unlinkat(s->dir, NEW_CONTENT, AT_REMOVEDIR) < 0)
		return;
	(void)unlinkat(s->dir, "lock", 0);
	(void)rmdir(s->path);
}

/* Another sidecar may have moved it since it was opened here; one that was made here then goes. */
static int follow(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	owned char *path = sync_state_path(settings);

	if (settings->state || text_is(path, s->state.path))
		return 0;
	if (is_open_one(s, path)) {
		set_path(s, settings, path);
		return 0;
	}
	remove_if_new(&s->state);
	state_close(&s->state);
	s->state = (struct state)STATE_INIT;
	if (state_open(&s->state, path, e) < 0)
		return -1;
	set_path(s, settings, path);
	return state_try_lock(&s->state, e);
}

int sync_try_lock(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	int status = state_try_lock(&s->state, e);

	if (status == 0)
		status = follow(s, settings, e);
	if (status == 0 && s->reserved && wants_it_beside(settings))
		status = move_beside(s, settings, e);
	return status;
}

void sync_close(struct sync *s)
{
	state_close(&s->state);
	free(s->reserved);
	s->reserved = NULL;
}

int sync_find_mode(struct sync_settings *settings, struct err *e)
{
	owned_fd target = open(settings->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	owned char *beside = state_path_beside(settings->target);
	struct layout layout;

	if (target < 0)
		return err_sys(e, "target '%s'", settings->target);
	if (layout_read(target, &layout, e) < 0)
		return -1;
	if (layout.data)
		settings->publish = SYNC_PUBLISH_DATA;
	else if (!settings->state && access(beside, F_OK) == 0)
		settings->publish = SYNC_PUBLISH_EXCHANGE;
	return 0;
}
