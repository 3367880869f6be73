/* SPDX-License-Identifier: Apache-2.0 */
/* http_client: the only file that sees libcurl, which joins the loop by its multi interface. */
#include "base/http_client.h"

#include "base/address.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
};

struct http_call {
	struct http_client *client; /* NULL in http_fetch() */
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	int through_dir;
	int fd; /* libcurl's, for check_peer() */
	bool (*trusted)(int fd, struct err *e);
	int64_t connect_ms, total_ms;
	char text[CURL_ERROR_SIZE];
	struct http_result result;
	void (*on_done)(void *owner, const struct http_result *);
	void *owner;
};

/* Where distributions keep the bundle; a scratch image has what was put there. */
static const char *const ca_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

static const char *usual_ca_file(void)
{
	for (size_t i = 0; i < sizeof(ca_files) / sizeof(ca_files[0]); i++)
		if (access(ca_files[i], R_OK) == 0)
			return ca_files[i];
	return NULL;
}

static int curl_ready(struct err *e)
{
	static bool ready;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYSTEM, "libcurl cannot start");
	ready = true;
	return 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct http_call *call = owner;

	if (buf_add(&call->result.body, bytes, size * count) == 0)
		return size * count;
	(void)err_set(&call->result.e, ERR_REMOTE, "the answer is larger than %zu bytes",
		      call->result.body.limit);
	return 0;
}

static bool is_header(const char *line, const char *name)
{
	return strncasecmp(line, name, strlen(name)) == 0;
}

/* A line of the head, which ends with a newline. Heads of interim answers come before. */
static size_t take_header(char *line, size_t size, size_t count, void *owner)
{
	struct http_call *call = owner;

	if (is_header(line, "HTTP/"))
		call->result.has_end = false;
	if (is_header(line, "Content-Length:") || is_header(line, "Transfer-Encoding: chunked"))
		call->result.has_end = true;
	return size * count;
}

/*
 * libcurl's own ones would go to children. A socket that is closed while it connects is closed
 * before we are told: held open by a child it would stay in our epoll, which tells of a watch that
 * is free.
 */
static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *where)
{
	struct http_call *call = owner;

	(void)purpose;
	call->fd = socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
	return call->fd;
}

/* After the connection, before the request. */
static int check_peer(void *owner, char *peer, char *local, int peer_port, int local_port)
{
	struct http_call *call = owner;

	(void)peer;
	(void)local;
	(void)peer_port;
	(void)local_port;
	return call->trusted(call->fd, &call->result.e) ? CURL_PREREQFUNC_OK
							: CURL_PREREQFUNC_ABORT;
}

static void connect_through(struct http_call *call, const struct address *a)
{
	if (a->kind == ADDRESS_ABSTRACT) {
		(void)curl_easy_setopt(call->easy, CURLOPT_ABSTRACT_UNIX_SOCKET, a->text);
	} else if (a->kind == ADDRESS_UNIX) {
		owned char *path = address_short_path(a->text, &call->through_dir);

		(void)curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, path ? path : a->text);
	} else {
		owned char *there = mem_format(a->ipv6 ? "::[%s]:%u" : "::%s:%u", a->host, a->port);

		call->connect_to = curl_slist_append(NULL, there);
		(void)curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	}
}

static bool has_header(const struct list *headers, const char *name)
{
	for (size_t i = 0; headers && i < headers->count; i++)
		if (is_header(headers->items[i], name))
			return true;
	return false;
}

/* A POST without a body says that its length is 0, as strict servers want. */
static void set_body(struct http_call *call, const struct http_plan *plan)
{
	const char *method = plan->method ? plan->method : "GET";
	bool expects_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
			    strcmp(method, "PATCH") == 0;

	if (plan->body || expects_body)
		(void)curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS,
				       plan->body ? plan->body : "");
	(void)curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
	if (strcmp(method, "HEAD") == 0)
		(void)curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
}

static void add_headers(struct http_call *call, const struct http_plan *plan)
{
	/* No waiting for "100 Continue" with small bodies. */
	call->headers = curl_slist_append(NULL, "Expect:");
	/* Nor libcurl's guess that a body is a web form. */
	if (!has_header(plan->headers, "Content-Type:"))
		call->headers = curl_slist_append(call->headers, "Content-Type:");
	for (size_t i = 0; plan->headers && i < plan->headers->count; i++)
		call->headers = curl_slist_append(call->headers, plan->headers->items[i]);
	for (size_t i = 0; plan->more_headers && plan->more_headers[i]; i++)
		call->headers = curl_slist_append(call->headers, plan->more_headers[i]);
	(void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_options(struct http_call *call, const struct http_plan *plan)
{
	CURL *easy = call->easy;
	const char *ca_file = plan->ca_file ? plan->ca_file : usual_ca_file();

	(void)curl_easy_setopt(easy, CURLOPT_URL, plan->url);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	set_body(call, plan);
	if (ca_file)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "gs-sidecar");
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)plan->connect_ms);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)plan->total_ms);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	/* Ending must not wait for a name server: the resolver's thread is left behind. */
	(void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->text);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	if (plan->through)
		connect_through(call, plan->through);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	if (plan->trusted) {
		(void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, check_peer);
		(void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	}
	add_headers(call, plan);
}

static struct http_call *call_new(const struct http_plan *plan, struct err *e)
{
	if (curl_ready(e) < 0)
		return NULL;

	CURL *easy = curl_easy_init();
	if (!easy) {
		(void)err_set(e, ERR_SYSTEM, "libcurl cannot start a request");
		return NULL;
	}
	struct http_call *call = mem_alloc(sizeof(*call));
	call->easy = easy;
	call->through_dir = -1;
	call->trusted = plan->trusted;
	call->connect_ms = plan->connect_ms < plan->total_ms ? plan->connect_ms : plan->total_ms;
	call->total_ms = plan->total_ms;
	call->result.body = BUF_INIT(plan->body_most);
	set_options(call, plan);
	return call;
}

static void call_free(struct http_call *call)
{
	if (call->client)
		(void)curl_multi_remove_handle(call->client->multi, call->easy);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	fd_close(&call->through_dir);
	http_result_done(&call->result);
	free(call);
}

void http_result_done(struct http_result *r)
{
	buf_done(&r->body);
}

static void conclude(struct http_call *call, CURLcode code)
{
	struct http_result *r = &call->result;
	char span[CLOCK_TEXT_SIZE];
	long status = 0;
	curl_off_t connected = 0;

	if (code == CURLE_OK) {
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		r->status = (int)status;
		return;
	}
	(void)curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connected);
	r->unreachable = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
			 (code == CURLE_OPERATION_TIMEDOUT && !connected);
	if (r->e.kind != ERR_NONE)
		return;
	if (code == CURLE_OPERATION_TIMEDOUT && !connected)
		(void)err_set(&r->e, ERR_REMOTE, "no connection within %s",
			      clock_span(call->connect_ms, span));
	else if (code == CURLE_OPERATION_TIMEDOUT)
		(void)err_set(&r->e, ERR_REMOTE, "no whole answer within %s",
			      clock_span(call->total_ms, span));
	else
		(void)err_set(&r->e, ERR_REMOTE, "%s",
			      call->text[0] ? call->text : curl_easy_strerror(code));
}

static void collect_finished(struct http_client *c)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		struct http_call *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		conclude(call, message->data.result);
		call->on_done(call->owner, &call->result);
		call_free(call);
	}
}

static void on_socket(struct loop_watch *w, uint32_t events)
{
	struct http_client *c = w->owner;
	int action = 0, running;

	if (events & EPOLLIN)
		action |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		action |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		action |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(c->multi, w->fd, action, &running);
	collect_finished(c);
}

static void on_timer(struct loop_timer *t)
{
	struct http_client *c = t->owner;
	int running;

	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_finished(c);
}

/* libcurl keeps our watch for us as the socket's private pointer. */
static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *owner, void *known)
{
	struct http_client *c = owner;
	struct loop_watch *w = known;
	uint32_t events = 0;
	struct err e;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_watch_stop(c->loop, w);
		free(w);
		return 0;
	}
	if (!w) {
		w = mem_alloc(sizeof(*w));
		*w = (struct loop_watch){ .fd = fd, .on_event = on_socket, .owner = c };
		(void)curl_multi_assign(c->multi, fd, w);
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	return loop_watch_start(c->loop, w, events, &e);
}

static int timer_changed(CURLM *multi, long ms, void *owner)
{
	struct http_client *c = owner;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(c->loop, &c->timer);
	else
		loop_timer_start(c->loop, &c->timer, ms);
	return 0;
}

struct http_client *http_client_new(struct loop *l, struct err *e)
{
	if (curl_ready(e) < 0)
		return NULL;

	struct http_client *c = mem_alloc(sizeof(*c));
	c->loop = l;
	c->timer = (struct loop_timer){ .on_time = on_timer, .owner = c };
	c->multi = curl_multi_init();
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	(void)curl_multi_cleanup(c->multi);
	loop_timer_stop(c->loop, &c->timer);
	free(c);
}

struct http_call *http_call_start(struct http_client *c, const struct http_plan *plan,
				  void (*on_done)(void *owner, const struct http_result *),
				  void *owner, struct err *e)
{
	struct http_call *call = call_new(plan, e);

	if (!call)
		return NULL;
	call->client = c;
	call->on_done = on_done;
	call->owner = owner;
	CURLMcode code = curl_multi_add_handle(c->multi, call->easy);
	if (code != CURLM_OK) {
		(void)err_set(e, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(code));
		call_free(call);
		return NULL;
	}
	return call;
}

void http_call_cancel(struct http_call *call)
{
	call_free(call);
}

void http_fetch(const struct http_plan *plan, struct http_result *ret)
{
	struct err e = { 0 };
	struct http_call *call = call_new(plan, &e);

	if (!call) {
		*ret = (struct http_result){ .e = e, .body = BUF_INIT(0) };
		return;
	}
	conclude(call, curl_easy_perform(call->easy));
	*ret = call->result;
	call->result.body = BUF_INIT(0);
	call_free(call);
}
