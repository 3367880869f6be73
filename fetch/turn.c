/* SPDX-License-Identifier: Apache-2.0 */
/* turn: see turn.h. */
#include "fetch/turn.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/cache.h"
#include "fetch/request.h"
#include "fetch/result.h"
#include "fetch/source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MOST ((size_t)32 * 1024) /* of one source: no member of it is that long */

/* For the next run, so that it is logged once; a disk that is full makes it twice. */
static void remember_stale(struct cache_folder *folder)
{
	char stamp[CLOCK_TEXT_SIZE];
	struct err ignored;

	folder->state.stale_since = mem_copy(clock_stamp(stamp));
	(void)cache_state_save(folder, &ignored);
}

/* broken: why it is not to be fetched any more; NULL: it is. */
static void fetch_and_tell(struct fetch *f, const struct err *broken, struct json *result)
{
	owned char *since = f->folder->state.stale_since;
	enum source_state state = f->folder->state.tree ? SOURCE_STALE : SOURCE_MISSING;
	struct err why = { 0 };

	f->folder->state.stale_since = NULL;
	f->quiet = since;
	if (broken)
		why = *broken;
	else
		state = source_fetch(f, &why);
	result_log(f, state, &why);
	result_add(result, f, state, &why);
	/* The file still says so of one that was. */
	if (state == SOURCE_STALE && !since && f->folder->fd >= 0)
		remember_stale(f->folder);
}

/* broken: why it is not to be fetched any more; NULL: it is. */
static void run(int cache, const char *dir, const char *name, const struct fetch_source *s,
		const struct err *broken, struct json *result)
{
	struct cache_folder folder;
	struct fetch f = {
		.source = s,
		.folder = &folder,
		.deadline = clock_ms() + s->timeout,
	};
	struct err why = { 0 };

	int status = cache_folder_open(cache, dir, name, s->definition, &folder, &why);
	fetch_and_tell(&f, broken || status == 0 ? broken : &why, result);
	cache_folder_done(&folder);
}

/* It ends with us, and has the time to end what it has started. */
static _Noreturn void run_child(int cache, const char *dir, const char *name,
				const struct fetch_source *s, int to, pid_t parent)
{
	struct json *result = result_new();

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_SYSTEM);
	run(cache, dir, name, s, NULL, result);
	owned char *text = json_print(result, false);
	_exit(io_write(to, text, strlen(text)) < 0 ? EXIT_SYSTEM : EXIT_DONE);
}

/* What the child says, to its end. */
static int listen_to(pid_t pid, int from, struct buf *b, struct err *e)
{
	struct err unreadable;
	int state = 0, status = io_read_all(from, b, &unreadable);

	if (status < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(state))
		return err_set(e, ERR_REMOTE, "signal %d has ended what fetched it: %s",
			       WTERMSIG(state), strsignal(WTERMSIG(state)));
	if (status < 0 || WEXITSTATUS(state) != EXIT_DONE)
		return err_set(e, ERR_REMOTE, "what fetched it has ended early, with status %d",
			       WEXITSTATUS(state));
	return 0;
}

static int run_apart(int cache, const char *dir, const char *name, const struct fetch_source *s,
		     struct buf *b, struct err *e)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	owned_fd from = ends[0], to = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		run_child(cache, dir, name, s, to, parent);
	fd_close(&to);
	return listen_to(pid, from, b, e);
}

bool turn_take(int cache, const char *dir, const char *name, const struct fetch_source *s,
	       struct json *result)
{
	owned_buf b = BUF_INIT(ANSWER_MOST);
	struct err e = { 0 }, unreadable;
	int status = run_apart(cache, dir, name, s, &b, &e);
	struct json *answer = status < 0 ? NULL : json_read(b.data, &unreadable);
	struct json *instead = answer ? NULL : result_new();

	if (status == 0 && !answer)
		(void)err_set(&e, ERR_SYSTEM, "what fetched it said nothing");
	if (instead)
		run(cache, dir, name, s, &e, instead);
	const struct json *one = json_at(answer ? answer : instead, "/sources/0");
	bool has_directory = json_text(json_get(one, "directory")) != NULL;
	/* It is an array of ours. */
	json_add((struct json *)json_get(result, "sources"), json_copy(one));
	json_free(answer);
	json_free(instead);
	return has_directory;
}
