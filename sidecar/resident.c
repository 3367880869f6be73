/* SPDX-License-Identifier: Apache-2.0 */
/* resident: see resident.h. */
#include "sidecar/resident.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/http_client.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/token.h"
#include "sidecar/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MOST ((size_t)256 * 1024)
#define TELL_TIMEOUT_MS 500 /* after a deadline: a stopped resident must not hold us */

/* "mnt:[4026531840]"; where there are no such links, what the root directory is. */
static void name_of_container(const char *process, char *to, size_t room)
{
	owned char *path = mem_format("/proc/%s/ns/mnt", process);
	ssize_t length = readlink(path, to, room - 1);
	struct stat root;

	to[length > 0 ? length : 0] = '\0';
	if (length <= 0 && text_is(process, "self") && stat("/", &root) == 0)
		(void)snprintf(to, room, "root:%llx:%llx", (unsigned long long)root.st_dev,
			       (unsigned long long)root.st_ino);
}

struct address resident_meeting_point(void)
{
	char container[64];

	name_of_container("self", container, sizeof(container));
	owned char *name = mem_format("gs-sidecar/%s", container);
	return address_abstract(name);
}

/* Anybody in the network namespace could have taken the name first. */
static bool is_our_resident(int fd, struct err *e)
{
	char ours[64], theirs[64], process[16];
	pid_t pid;
	uid_t uid;

	if (!address_peer(fd, &pid, &uid))
		return false;
	if (uid != geteuid() && uid != 0) {
		(void)err_set(e, ERR_REMOTE, "user %u answers there, expected %u or root",
			      (unsigned)uid, (unsigned)geteuid());
		return false;
	}
	/* unix(7): 0 for a process that our process namespace does not have. */
	if (pid == 0) {
		(void)err_set(e, ERR_REMOTE, "a process of another container answers there");
		return false;
	}
	(void)snprintf(process, sizeof(process), "%d", (int)pid);
	name_of_container("self", ours, sizeof(ours));
	name_of_container(process, theirs, sizeof(theirs));
	/* Not readable for a process of another user or namespace: then the user has to do. */
	if (*theirs && !text_is(ours, theirs)) {
		(void)err_set(e, ERR_REMOTE, "process %d of another container answers there",
			      (int)pid);
		return false;
	}
	return true;
}

static void hint(const struct config *c, const struct http_result *result, struct err *e)
{
	if (c->serve.control.kind == ADDRESS_NONE && result->unreachable)
		(void)err_set(
			e, ERR_REMOTE,
			"no 'gs-sidecar run' answers in this container: is it still starting, "
			"or in another container (then use --control)?");
}

/* A header on the heap; NULL: none is needed. -1 with e. */
static int read_token(const struct config *c, char **ret, struct err *e)
{
	const char *file = c->serve.update_token_file;
	owned_buf token = BUF_INIT(TOKEN_MOST);

	*ret = NULL;
	if (!file || c->serve.control.kind != ADDRESS_TCP)
		return 0;
	if (token_read(file, &token, e) < 0)
		return -1;
	*ret = mem_format("Authorization: Bearer %s", token.data);
	return 0;
}

int resident_ask(const struct config *c, const char *method, const char *path, const char *body,
		 int64_t timeout_ms, struct http_result *ret, struct err *e)
{
	struct address meeting_point = resident_meeting_point();
	bool given = c->serve.control.kind != ADDRESS_NONE;
	owned char *url = mem_format("http://localhost%s", path), *header = NULL;

	*ret = (struct http_result){ 0 };
	if (read_token(c, &header, e) < 0)
		return -1;
	const char *const headers[] = { header, NULL };
	const struct http_plan plan = {
		.url = url,
		.more_headers = headers,
		.method = method,
		.body = body,
		.through = given ? &c->serve.control : &meeting_point,
		.trusted = given ? NULL : is_our_resident,
		.connect_ms = timeout_ms,
		.total_ms = timeout_ms,
		.body_most = ANSWER_MOST,
	};

	http_fetch(&plan, ret);
	address_done(&meeting_point);
	if (ret->status == 200)
		return 0;
	if (ret->status)
		return err_set(e, ERR_REMOTE, "the resident answered %d: %.200s", ret->status,
			       ret->body.data);
	*e = ret->e;
	e->kind = ERR_REMOTE;
	hint(c, ret, e);
	return -1;
}

/* Nobody has to read what PID 1 writes: it is not waited for. */
static void tell_log_of_container(const char *line)
{
	owned_fd fd = getpid() == 1 ? -1
				    : open("/proc/1/fd/2",
					   O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0)
		(void)io_write(fd, line, strlen(line));
}

void resident_tell(const struct config *c, const char *how, const char *text)
{
	struct http_result result;
	struct err e;

	if (resident_ask(c, "POST", how, text, TELL_TIMEOUT_MS, &result, &e) < 0) {
		owned char *printable = text_printable(text);
		owned char *line = mem_format("gs-sidecar: %s\n", printable);

		(void)fputs(line, stderr);
		tell_log_of_container(line);
	}
	http_result_done(&result);
}
