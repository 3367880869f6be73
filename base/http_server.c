/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: the only file that sees libmicrohttpd (0.9.75 manual: external epoll, added
 * connections, suspended connections). A request without an answer is a suspended connection.
 */
#include "base/http_server.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS_MAX 4
#define CONNECTION_MEMORY ((size_t)8 * 1024) /* request line and headers have to fit */
#define ACCEPT_PAUSE_MS 1000                 /* after accept(2) failed for want of something */
#define OTHER_FILES 64                       /* descriptors that are left for everything else */

/* Its place in time: when all places are taken the oldest makes room for a new one. */
struct connection {
	int fd;       /* the library's */
	bool waiting; /* for an answer of ours: not to be dropped */
	struct connection *next, *previous;
};

struct http_server {
	struct loop *loop;
	struct http_server_plan plan;
	struct MHD_Daemon *daemon;
	struct loop_watch activity;
	struct loop_timer timer;
	struct loop_watch listeners[LISTENERS_MAX];
	int listener_count;
	int connection_count;
	struct connection *oldest, *newest;
	bool accepting;
	struct loop_timer accept_again;
	struct http_request *waiting; /* suspended ones */
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	char *method, *path;
	struct buf body;
	bool too_large;
	bool handled;
	bool suspended;
	struct MHD_Response *response;
	int status;
	const char *header, *value; /* one more of the answer, NULL: none */
	struct http_request *next;  /* in server->waiting */
};

static void run_daemon(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		loop_timer_start(s->loop, &s->timer, (int64_t)ms);
	else
		loop_timer_stop(s->loop, &s->timer);
}

static void on_activity(struct loop_watch *w, uint32_t events)
{
	(void)events;
	run_daemon(w->owner);
}

static void on_timer(struct loop_timer *t)
{
	run_daemon(t->owner);
}

static void set_accepting(struct http_server *s, bool accepting)
{
	struct err e;

	if (accepting == s->accepting)
		return;
	s->accepting = accepting;
	for (int i = 0; i < s->listener_count; i++) {
		if (!accepting)
			loop_watch_stop(s->loop, &s->listeners[i]);
		else if (loop_watch_start(s->loop, &s->listeners[i], EPOLLIN, &e) < 0)
			log_error("a listener is lost: %s", e.text);
	}
}

static void accept_again(struct loop_timer *t)
{
	struct http_server *s = t->owner;

	set_accepting(s, true);
}

static bool peer_is_allowed(const struct http_server *s, int fd)
{
	pid_t pid;
	uid_t uid;

	if (!s->plan.local_only || !address_peer(fd, &pid, &uid))
		return true;
	if (uid == 0 || uid == geteuid())
		return true;
	log_warn("turned away process %d of user %u on the control socket: only user %u and root "
		 "may use it",
		 (int)pid, (unsigned)uid, (unsigned)geteuid());
	return false;
}

/* Half a request, or none, must not keep a probe waiting: the library sees the end and closes. */
static bool make_room(struct http_server *s)
{
	struct connection *c = s->oldest;

	if (s->connection_count < s->plan.connections)
		return true;
	while (c && c->waiting)
		c = c->next;
	if (!c)
		return false;
	(void)shutdown(c->fd, SHUT_RDWR);
	run_daemon(s);
	return s->connection_count < s->plan.connections;
}

static void on_connection(struct loop_watch *w, uint32_t events)
{
	struct http_server *s = w->owner;

	if (!make_room(s)) {
		set_accepting(s, false); /* until one ends */
		return;
	}
	struct sockaddr_storage from = { 0 };
	socklen_t length = sizeof(from);
	owned_fd fd =
		accept4(w->fd, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			log_warn("accept: %s, trying again in %d ms", strerror(errno),
				 ACCEPT_PAUSE_MS);
			set_accepting(s, false);
			loop_timer_start(s->loop, &s->accept_again, ACCEPT_PAUSE_MS);
		}
		return;
	}
	if (!peer_is_allowed(s, fd))
		return;
	/* The library closes the descriptor, also when it refuses it. */
	if (MHD_add_connection(s->daemon, fd_take(&fd), (struct sockaddr *)&from, length) ==
	    MHD_YES)
		run_daemon(s);
}

static void list_connection(struct http_server *s, struct connection *c)
{
	c->previous = s->newest;
	*(s->newest ? &s->newest->next : &s->oldest) = c;
	s->newest = c;
	s->connection_count++;
}

static void unlist_connection(struct http_server *s, struct connection *c)
{
	*(c->previous ? &c->previous->next : &s->oldest) = c->next;
	*(c->next ? &c->next->previous : &s->newest) = c->previous;
	s->connection_count--;
}

static void connection_changed(void *owner, struct MHD_Connection *c, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = owner;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		struct connection *new = mem_alloc(sizeof(*new));

		new->fd = info->connect_fd;
		list_connection(s, new);
		*context = new;
	} else {
		unlist_connection(s, *context);
		free(*context);
		*context = NULL;
	}
	set_accepting(s, true);
}

static void set_waiting(struct http_request *r, bool waiting)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	((struct connection *)info->socket_context)->waiting = waiting;
	r->suspended = waiting;
}

static void stop_waiting(struct http_request *r)
{
	for (struct http_request **place = &r->server->waiting; *place; place = &(*place)->next) {
		if (*place == r) {
			*place = r->next;
			break;
		}
	}
	set_waiting(r, false);
}

static void request_completed(void *owner, struct MHD_Connection *c, void **context,
			      enum MHD_RequestTerminationCode code)
{
	struct http_request *r = *context;

	(void)owner;
	(void)c;
	(void)code;
	if (!r)
		return;
	if (r->response)
		MHD_destroy_response(r->response);
	free(r->method);
	free(r->path);
	buf_done(&r->body);
	free(r);
	*context = NULL;
}

/* Of a Host header with any port: localhost, [::1] or 127.x.x.x, and nothing longer. */
static bool host_is_local(const char *host)
{
	unsigned char bytes[4];

	if (!host)
		return true;
	size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (length > strlen(host))
		return false;
	owned char *name = mem_copy_part(host, length);
	const char *port = host + length;
	if (*port && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
		return false;
	return strcasecmp(name, "localhost") == 0 || text_is(name, "[::1]") ||
	       (inet_pton(AF_INET, name, bytes) == 1 && bytes[0] == 127);
}

/* A page in a player's browser must not reach the control port by a name that resolves to it. */
static bool from_a_browser(const struct http_request *r)
{
	return http_request_header(r, "Origin") ||
	       (!r->server->plan.any_host && http_request_is_tcp(r) &&
		!host_is_local(http_request_header(r, "Host")));
}

static void dispatch(struct http_request *r)
{
	const struct http_server_plan *plan = &r->server->plan;
	bool path_known = false;

	if (r->too_large) {
		http_request_answer(r, 413, "text/plain", "the request is too large\n");
		return;
	}
	if (plan->local_only && from_a_browser(r)) {
		http_request_answer(r, 403, "text/plain",
				    "only local programs may use this, not browsers\n");
		return;
	}
	for (const struct http_route *route = plan->routes; route->method; route++) {
		if (!text_is(route->path, r->path))
			continue;
		path_known = true;
		if (text_is(route->method, r->method) ||
		    (text_is(route->method, "GET") && text_is(r->method, "HEAD"))) {
			route->handle(r, plan->owner);
			return;
		}
	}
	if (path_known)
		http_request_answer(r, 405, "text/plain", "method not allowed\n");
	else
		http_request_answer(r, 404, "text/plain", "not found\n");
}

static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *bytes,
				  size_t *count, void **context)
{
	struct http_request *r = *context;

	(void)version;
	if (!r) {
		r = mem_alloc(sizeof(*r));
		r->server = owner;
		r->connection = connection;
		r->method = mem_copy(method);
		r->path = mem_copy(path);
		r->body = BUF_INIT(r->server->plan.body_most);
		*context = r;
		return MHD_YES;
	}
	if (*count) {
		r->too_large = r->too_large || buf_add(&r->body, bytes, *count) < 0;
		*count = 0;
		return MHD_YES;
	}
	if (!r->handled) {
		r->handled = true;
		dispatch(r);
	}
	if (r->response)
		return MHD_queue_response(connection, (unsigned)r->status, r->response);
	set_waiting(r, true);
	r->next = r->server->waiting;
	r->server->waiting = r;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* With all descriptors taken nothing else could be done, such as starting what was asked for. */
static int connections_allowed(int wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= (rlim_t)wanted + OTHER_FILES)
		return wanted;
	int left = (int)files.rlim_cur - OTHER_FILES;
	return left > OTHER_FILES ? left : OTHER_FILES;
}

struct http_server *http_server_new(struct loop *l, const struct http_server_plan *plan,
				    struct err *e)
{
	struct http_server *s = mem_alloc(sizeof(*s));

	s->loop = l;
	s->plan = *plan;
	s->plan.connections = connections_allowed(plan->connections);
	s->accepting = true;
	s->accept_again = (struct loop_timer){ .on_time = accept_again, .owner = s };
	s->timer = (struct loop_timer){ .on_time = on_timer, .owner = s };
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		on_request, s, MHD_OPTION_NOTIFY_COMPLETED, request_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)s->plan.connections + LISTENERS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)plan->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_END);
	if (!s->daemon) {
		(void)err_set(e, ERR_SYSTEM, "the HTTP server cannot start");
		free(s);
		return NULL;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	s->activity =
		(struct loop_watch){ .fd = info->epoll_fd, .on_event = on_activity, .owner = s };
	if (loop_watch_start(l, &s->activity, EPOLLIN, e) < 0) {
		http_server_free(s);
		return NULL;
	}
	return s;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	set_accepting(s, false);
	for (int i = 0; i < s->listener_count; i++)
		fd_close(&s->listeners[i].fd);
	s->listener_count = 0;
	while (s->waiting)
		http_request_answer(s->waiting, 503, "text/plain", "ending\n");
	(void)MHD_run(s->daemon);
	loop_watch_stop(s->loop, &s->activity);
	loop_timer_stop(s->loop, &s->timer);
	loop_timer_stop(s->loop, &s->accept_again);
	MHD_stop_daemon(s->daemon);
	free(s);
}

int http_server_listen(struct http_server *s, struct address *a, struct err *e)
{
	owned_fd fd = -1;

	if (s->listener_count == LISTENERS_MAX)
		return err_set(e, ERR_SYSTEM, "more than %d listeners", LISTENERS_MAX);
	if (address_listen(a, &fd, e) < 0)
		return -1;

	struct loop_watch *w = &s->listeners[s->listener_count];
	*w = (struct loop_watch){ .fd = fd, .on_event = on_connection, .owner = s };
	if (loop_watch_start(s->loop, w, EPOLLIN, e) < 0)
		return -1;
	(void)fd_take(&fd);
	s->listener_count++;
	return 0;
}

int http_server_connections(const struct http_server *s)
{
	return s->plan.connections;
}

/* Whether a header's list has a word, in any case and with any parameters (RFC 7240, 2). */
static bool lists(const char *header, const char *word)
{
	size_t length = strlen(word);

	while (header && *header) {
		header += strspn(header, ", \t");
		if (strncasecmp(header, word, length) == 0 && strchr(",; \t", header[length]))
			return true;
		header += strcspn(header, ",");
	}
	return false;
}

bool http_request_prefers(const struct http_request *r, const char *word)
{
	return lists(http_request_header(r, "Prefer"), word);
}

bool http_request_is_tcp(const struct http_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info && info->client_addr && info->client_addr->sa_family != AF_UNIX;
}

void http_request_add_header(struct http_request *r, const char *name, const char *value)
{
	r->header = name;
	r->value = value;
}

const char *http_request_path(const struct http_request *r)
{
	return r->path;
}

const char *http_request_body(const struct http_request *r)
{
	return r->body.data;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

void http_request_answer(struct http_request *r, int status, const char *type, const char *body)
{
	struct http_server *s = r->server;

	r->status = status;
	r->response =
		MHD_create_response_from_buffer(strlen(body), (void *)body, MHD_RESPMEM_MUST_COPY);
	if (!r->response)
		abort();
	(void)MHD_add_response_header(r->response, "Content-Type", type);
	(void)MHD_add_response_header(r->response, "Cache-Control", "no-store");
	if (r->header)
		(void)MHD_add_response_header(r->response, r->header, r->value);
	if (!r->suspended)
		return;
	stop_waiting(r);
	MHD_resume_connection(r->connection);
	/* From the loop, not from here: the caller may be in the middle of its own list. */
	loop_timer_start(s->loop, &s->timer, 0);
}
