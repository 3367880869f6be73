/* SPDX-License-Identifier: Apache-2.0 */
/* program: see program.h. */
#include "fetch/program.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/process_proc.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LINES_TOLD 4
#define CHUNK 4096
#define PIPE_CHUNKS (65536 / CHUNK) /* a full pipe, pipe(7) */
#define ORPHANS_MS 5000             /* who cannot be killed does not stop us for ever */
#define CHECK_MS 1000               /* at least, between checks, */
#define CHECK_SHARE 20              /* which take one part of so many of the time */

struct program {
	struct child child;
	const struct program_plan *plan;
	struct program_end *end;
	int said_fd, out_fd, signals;
	size_t said;
	int64_t next_check;
	bool ended;
	struct err e; /* why it is to be ended; ERR_NONE: it is not */
};

/* The one that is running, for on_signal(). */
static volatile pid_t running;

/* Killed with us: its group is not the one that the terminal or the sidecar kills. */
static void on_signal(int number)
{
	if (running)
		(void)kill(-running, SIGKILL);
	_exit(128 + number);
}

static void kill_with_us(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

static void keep_last(struct program *p, const char *bytes, size_t count)
{
	char *said = p->end->said;

	if (p->said + count > PROGRAM_SAID_MOST) {
		size_t drop = p->said + count - PROGRAM_SAID_MOST;

		drop = drop < p->said ? drop : p->said;
		memmove(said, said + drop, p->said - drop);
		p->said -= drop;
	}
	memcpy(said + p->said, bytes, count);
	p->said += count;
	said[p->said] = '\0';
}

static void take_out(struct program *p, const char *bytes, size_t count)
{
	const struct program_plan *plan = p->plan;

	if (p->e.kind != ERR_NONE)
		return;
	if (plan->take)
		(void)plan->take(plan->owner, bytes, count, &p->e);
	else if (buf_add(plan->out, bytes, count) < 0)
		(void)err_set(&p->e, ERR_REMOTE, "it says too much");
}

static void read_some(struct program *p, int *fd)
{
	char bytes[CHUNK / 4];
	ssize_t got = *fd < 0 ? -1 : read(*fd, bytes, sizeof(bytes));

	if (got == 0)
		fd_close(fd);
	else if (got > 0 && fd == &p->out_fd)
		take_out(p, bytes, (size_t)got);
	else if (got > 0)
		keep_last(p, bytes, (size_t)got);
}

static void check(struct program *p)
{
	int64_t begin = clock_ms();

	if (!p->plan->check || begin < p->next_check)
		return;
	if (p->next_check && p->e.kind == ERR_NONE)
		(void)p->plan->check(p->plan->owner, &p->e);
	int64_t wait = (clock_ms() - begin) * CHECK_SHARE;
	p->next_check = clock_ms() + (wait > CHECK_MS ? wait : CHECK_MS);
}

static void on_exit_of(struct child *c, int status)
{
	struct program *p = c->owner;

	p->ended = true;
	p->end->status = status;
}

/* Until it is to be looked at again. */
static int span(const struct program *p, int64_t left)
{
	int64_t until = p->plan->check ? p->next_check - clock_ms() : left;

	until = until < left ? until : left;
	return until < 0 ? 0 : until < INT32_MAX ? (int)until : INT32_MAX;
}

static int wait_for_end(struct program *p, struct err *e)
{
	while (!p->ended) {
		int64_t left = p->plan->deadline - clock_ms();
		struct pollfd fds[] = {
			{ .fd = p->signals, .events = POLLIN },
			{ .fd = p->said_fd, .events = POLLIN },
			{ .fd = p->out_fd, .events = POLLIN },
		};
		struct signalfd_siginfo info;

		check(p);
		if (left <= 0 && p->e.kind == ERR_NONE)
			(void)err_set(&p->e, ERR_DEADLINE, "not finished in time, see \"timeout\"");
		if (p->e.kind != ERR_NONE) {
			child_signal(&p->child, SIGKILL);
			*e = p->e;
			return -1;
		}
		if (poll(fds, 3, span(p, left)) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (fds[1].revents)
			read_some(p, &p->said_fd);
		if (fds[2].revents)
			read_some(p, &p->out_fd);
		while (read(p->signals, &info, sizeof(info)) > 0)
			continue;
		child_reap();
	}
	/* What it has left behind may hold them open for ever. */
	for (int i = 0; i < 4 * PIPE_CHUNKS; i++) {
		read_some(p, &p->said_fd);
		read_some(p, &p->out_fd);
	}
	*e = p->e;
	return p->e.kind == ERR_NONE ? 0 : -1;
}

/* One of what became our child when its own parent had ended; false: there is none. */
static bool kill_orphan(void)
{
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err ignored;
	DIR *dir = proc < 0 ? NULL : proc_list(proc, &ignored);
	bool found = false;

	for (pid_t pid; dir && !found && (pid = proc_next(dir));) {
		found = proc_status(proc, pid, "PPid", 10) == getpid() &&
			!proc_is_zombie(proc, pid);
		if (found)
			(void)kill(pid, SIGKILL);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static void reap(struct program *p)
{
	struct pollfd fd = { .fd = p->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	(void)poll(&fd, 1, 100);
	while (read(p->signals, &info, sizeof(info)) > 0)
		continue;
	child_reap();
}

/* Nothing that it has started goes on when it has ended: the tree is being read. */
static void end_all(struct program *p)
{
	(void)kill(-running, SIGKILL);
	while (!p->ended)
		reap(p);
	for (int64_t end = clock_ms() + ORPHANS_MS; clock_ms() < end && kill_orphan();)
		reap(p);
	running = 0;
}

/* The last line of text that says something, which is cut off it; NULL: there is none. */
static char *cut_line(char *text)
{
	for (;;) {
		char *line = strrchr(text, '\n');

		line = line ? line + 1 : text;
		line[strcspn(line, "\r")] = '\0';
		if (line[strspn(line, " \t")]) {
			char *found = text_printable(line);

			line[line == text ? 0 : -1] = '\0';
			return found;
		}
		if (line == text)
			return NULL;
		line[-1] = '\0';
	}
}

/* The last few lines: many programs end with one that says less than those before. */
static char *last_words(const char *said)
{
	owned char *text = mem_copy(said);
	char *words = mem_copy("");

	for (int i = 0; i < LINES_TOLD; i++) {
		owned char *line = cut_line(text);
		owned char *behind = words;

		if (!line) {
			words = mem_take(behind);
			break;
		}
		words = mem_format("%s%s%s", line, *behind ? "; " : "", behind);
	}
	return words;
}

static int open_pipe(int *ret_ours, int *ret_theirs, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

/* "NAME" and "NAME=VALUE" are for that variable, "NAME*" for all that begin so. */
static bool is_for(const char *change, const char *variable)
{
	size_t name = strcspn(change, "=");

	if (!change[name] && name && change[name - 1] == '*')
		return strncmp(variable, change, name - 1) == 0;
	return strncmp(variable, change, name) == 0 && variable[name] == '=';
}

/* Ours, with the changes; the array is on the heap, the texts are not copied. */
static char **environment_of(const struct list *changes)
{
	size_t count = 0, used = 0;

	while (environ[count])
		count++;
	char **all = mem_alloc((count + (changes ? changes->count : 0) + 1) * sizeof(*all));
	for (size_t i = 0; i < count; i++) {
		bool changed = false;

		for (size_t c = 0; changes && c < changes->count; c++)
			changed |= is_for(changes->items[c], environ[i]);
		if (!changed)
			all[used++] = environ[i];
	}
	for (size_t c = 0; changes && c < changes->count; c++)
		if (strchr(changes->items[c], '='))
			all[used++] = changes->items[c];
	return all;
}

static int start(struct program *p, const struct program_plan *plan, struct err *e)
{
	owned_fd said = -1, out = -1;
	struct child_plan child = {
		.argv = plan->argv,
		.in = plan->in ? plan->in : -1,
		.pass = plan->pass ? plan->pass : -1,
		.directory = plan->directory,
		.own_group = true,
		.dies_with_us = true,
	};

	if (open_pipe(&p->said_fd, &said, e) < 0 ||
	    ((plan->out || plan->take) && open_pipe(&p->out_fd, &out, e) < 0))
		return -1;
	child.err = said;
	child.out = out >= 0 ? out : said;
	char **ours = environ;
	owned char **changed = environment_of(plan->environment);
	environ = changed;
	int status = child_start(&p->child, &child, e);
	environ = ours;
	running = p->child.pid;
	return status;
}

static int run(struct program *p, const struct program_plan *plan, struct err *e)
{
	if (p->signals < 0)
		return err_sys(e, "signalfd");
	kill_with_us();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (start(p, plan, e) < 0)
		return -1;
	int status = wait_for_end(p, e);
	end_all(p);
	if (status < 0 || p->end->status == 0)
		return status;
	owned char *words = last_words(p->end->said);
	return err_set(e, ERR_REMOTE, "it ended with status %d%s%s", p->end->status,
		       *words ? ": " : ", without a word", words);
}

int program_run(const struct program_plan *plan, struct program_end *ret, struct err *e)
{
	struct program p = { .plan = plan, .end = ret, .said_fd = -1, .out_fd = -1 };
	sigset_t child, before;

	*ret = (struct program_end){ 0 };
	p.child = (struct child){ .on_exit = on_exit_of, .owner = &p };
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &before);
	p.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	int status = run(&p, plan, e);
	fd_close(&p.signals);
	fd_close(&p.said_fd);
	fd_close(&p.out_fd);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return status < 0 ? err_in(e, "%s", plan->argv[0]) : 0;
}

void program_bare(struct list *changes)
{
	static const char *const kept[] = {
		"PATH",          "RSYNC_PROXY",  "LD_LIBRARY_PATH", "TMPDIR",      "SSH_AUTH_SOCK",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy",      "https_proxy", "all_proxy",
		"no_proxy",      "HTTPS_PROXY",  "ALL_PROXY",       "NO_PROXY",
	};

	list_add(changes, "*");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *value = getenv(kept[i]);
		owned char *text = value ? mem_format("%s=%s", kept[i], value) : NULL;

		if (text)
			list_add(changes, text);
	}
}

int program_secret(const char *text, int *ret_fd, struct err *e)
{
	owned_fd fd = memfd_create("secret", MFD_CLOEXEC);

	if (fd < 0 || io_write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "memory for a secret");
	*ret_fd = fd_take(&fd);
	return 0;
}
