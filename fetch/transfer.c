/* SPDX-License-Identifier: Apache-2.0 */
/* transfer: see transfer.h. Redirects are followed here: libcurl would tell everybody everything.
 */
#include "fetch/transfer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (256L * 1024)
#define ROUNDING_MS 10  /* libcurl's clock and ours */
#define VALUE_MOST 1024 /* bytes of an ETag or a date: they are shown, and kept */
#define ESCAPED_MOST ((size_t)64 * 1024)

/* Where distributions keep the bundle; a scratch image has what was put there. */
static const char *const ca_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

struct transfer {
	const struct transfer_plan *plan;
	struct transfer_answer *answer;
	CURL *easy;
	struct curl_slist *headers;
	bool head_told;
	size_t said;
	char text[CURL_ERROR_SIZE];
	struct err e; /* of on_head and on_body */
};

/* One for all, so that connections are kept. */
static CURL *shared_easy(struct err *e)
{
	static CURL *easy;

	if (!easy &&
	    (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(easy = curl_easy_init())))
		(void)err_set(e, ERR_SYSTEM, "libcurl cannot start");
	return easy;
}

static const char *usual_ca_file(void)
{
	for (size_t i = 0; i < sizeof(ca_files) / sizeof(ca_files[0]); i++)
		if (access(ca_files[i], R_OK) == 0)
			return ca_files[i];
	return NULL;
}

static bool is_success(int status)
{
	return status >= 200 && status <= 299;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void forget_head(struct transfer_answer *a)
{
	free(a->etag);
	free(a->modified);
	free(a->encoding);
	a->etag = a->modified = a->encoding = NULL;
	a->length = a->from = a->total = a->time = -1;
	a->has_end = a->is_coded = false;
	a->status = 0;
	a->said[0] = '\0';
}

void transfer_answer_done(struct transfer_answer *a)
{
	forget_head(a);
}

/* The number at *at, which goes behind it and the letter that has to follow; -1: it is none. */
static int64_t take_number(const char **at, char follows)
{
	char *end;

	if (**at < '0' || **at > '9')
		return -1;
	errno = 0;
	long long number = strtoll(*at, &end, 10);
	if (errno || *end != follows)
		return -1;
	*at = end + !!follows;
	return number;
}

/* "bytes 100-199/200" */
static void read_range(const char *value, struct transfer_answer *a)
{
	const char *at = value + strlen("bytes ");

	if (!text_starts(value, "bytes "))
		return;
	int64_t from = take_number(&at, '-');
	int64_t to = from < 0 ? -1 : take_number(&at, '/');
	int64_t total = to < from ? -1 : take_number(&at, '\0');
	if (from >= 0 && to >= from && total > to) {
		a->from = from;
		a->total = total;
	}
}

/* One that is too long is none: the file comes again each time. */
static void keep(char **place, const char *value)
{
	free(*place);
	*place = *value && strlen(value) <= VALUE_MOST ? mem_copy(value) : NULL;
}

static void take_field(struct transfer_answer *a, const char *name, const char *value)
{
	if (strcasecmp(name, "ETag") == 0)
		keep(&a->etag, value);
	else if (strcasecmp(name, "Last-Modified") == 0)
		keep(&a->modified, value);
	else if (strcasecmp(name, "Content-Encoding") == 0 && strcasecmp(value, "identity") != 0)
		keep(&a->encoding, strlen(value) <= VALUE_MOST ? value : "something long");
	else if (strcasecmp(name, "Content-Range") == 0)
		read_range(value, a);
	else if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "identity") != 0)
		a->has_end = a->is_coded = true;
	else if (strcasecmp(name, "Content-Length") == 0)
		a->length = strtoll(value, NULL, 10);
	/* It says nothing beside the other one, RFC 9112 6.3. */
	if (a->is_coded)
		a->length = -1;
	a->has_end |= a->length >= 0;
}

static int tell_head(struct transfer *t)
{
	curl_off_t time = -1;
	long status = 0;

	if (t->head_told)
		return 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_FILETIME_T, &time);
	t->answer->status = (int)status;
	t->answer->time = time;
	if (!is_success((int)status))
		return 0;
	t->head_told = true;
	return t->plan->on_head ? t->plan->on_head(t->plan->owner, t->answer, &t->e) : 0;
}

/* A line of a head; heads of interim answers come before. */
static size_t take_header(char *line, size_t size, size_t count, void *owner)
{
	struct transfer *t = owner;
	owned char *text = mem_copy_part(line, size * count);
	char *value = strchr(text, ':');

	text[strcspn(text, "\r\n")] = '\0';
	if (text_starts(text, "HTTP/")) {
		forget_head(t->answer);
	} else if (value) {
		*value++ = '\0';
		value += strspn(value, " \t");
		for (size_t end = strlen(value); end && strchr(" \t", value[end - 1]); end--)
			value[end - 1] = '\0';
		take_field(t->answer, text, value);
	}
	return size * count;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct transfer *t = owner;
	size_t length = size * count, room = TRANSFER_SAID_MOST - t->said;

	if (tell_head(t) < 0)
		return 0;
	if (t->head_told)
		return t->plan->on_body(t->plan->owner, bytes, length, &t->e) < 0 ? 0 : length;
	if (room > length)
		room = length;
	memcpy(t->answer->said + t->said, bytes, room);
	t->said += room;
	t->answer->said[t->said] = '\0';
	return length;
}

static void add_headers(struct transfer *t, const struct list *headers)
{
	for (size_t i = 0; headers && i < headers->count; i++)
		t->headers = curl_slist_append(t->headers, headers->items[i]);
}

/* libcurl's own ones would go to children. */
static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *where)
{
	(void)owner;
	(void)purpose;
	return socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

static char *part_of(const char *url, CURLUPart part)
{
	CURLU *u = curl_url();
	char *text = NULL, *copy = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, part, &text, CURLU_DEFAULT_PORT | CURLU_URLDECODE) == CURLUE_OK)
		copy = mem_copy(text);
	curl_free(text);
	curl_url_cleanup(u);
	return copy ? copy : mem_copy("");
}

/* Those of the first URL, for all that its server sends us to. */
static void log_in(struct transfer *t)
{
	owned char *user = part_of(t->plan->url, CURLUPART_USER);
	owned char *password = part_of(t->plan->url, CURLUPART_PASSWORD);

	if (!*user && !*password)
		return;
	(void)curl_easy_setopt(t->easy, CURLOPT_USERNAME, user);
	(void)curl_easy_setopt(t->easy, CURLOPT_PASSWORD, password);
}

static void sign(struct transfer *t, const struct transfer_keys *keys)
{
	owned char *scope = mem_format("aws:amz:%s:s3", t->plan->region);

	(void)curl_easy_setopt(t->easy, CURLOPT_AWS_SIGV4, scope);
	(void)curl_easy_setopt(t->easy, CURLOPT_USERNAME, keys->id);
	(void)curl_easy_setopt(t->easy, CURLOPT_PASSWORD, keys->secret);
	/* S3 wants it, and libcurl 7.88 takes it from here. */
	t->headers = curl_slist_append(t->headers, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	if (keys->token) {
		owned char *token = mem_format("x-amz-security-token: %s", keys->token);

		t->headers = curl_slist_append(t->headers, token);
	}
}

static void set_ways(struct transfer *t)
{
	CURL *easy = t->easy;

	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	(void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->text);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
}

static int set_options(struct transfer *t, const char *url, bool own, struct err *e)
{
	const char *ca_file = t->plan->ca_file ? t->plan->ca_file : usual_ca_file();
	int64_t left = t->plan->deadline - clock_ms();
	CURL *easy = t->easy;

	if (left <= 0)
		return err_set(e, ERR_DEADLINE, "the time is over, see \"timeout\"");
	curl_easy_reset(easy);
	set_ways(t);
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (ca_file)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "gs-fetch");
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       (long)(left < TRANSFER_CONNECT_MS ? left : TRANSFER_CONNECT_MS));
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left);
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)TRANSFER_STALL_SECONDS);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_FILETIME, 1L);
	if (own && t->plan->keys)
		sign(t, t->plan->keys);
	else if (own)
		log_in(t);
	/* Behind sign(): all headers are signed, so each has to be sent as well. */
	t->headers = curl_slist_append(t->headers, "Accept-Encoding: identity");
	add_headers(t, t->plan->headers);
	if (own)
		add_headers(t, t->plan->own_headers);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	return 0;
}

static void count_bytes(struct transfer *t)
{
	curl_off_t body = 0;
	long head = 0, request = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	(void)curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &head);
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request);
	t->answer->wire_bytes += (uint64_t)body + (uint64_t)head + (uint64_t)request;
	t->answer->requests++;
}

static int fail_on_code(struct transfer *t, CURLcode code, struct err *e)
{
	bool ours = t->e.kind != ERR_NONE;

	/* What is wrong with a certificate or a URL is so the next time, too. */
	t->answer->again = !ours && code != CURLE_PEER_FAILED_VERIFICATION &&
			   code != CURLE_SSL_CACERT_BADFILE && code != CURLE_URL_MALFORMAT &&
			   code != CURLE_UNSUPPORTED_PROTOCOL;
	if (ours) {
		*e = t->e;
		return -1;
	}
	if (code == CURLE_OPERATION_TIMEDOUT && clock_ms() + ROUNDING_MS >= t->plan->deadline)
		return err_set(e, ERR_DEADLINE, "not finished in time, see \"timeout\"");
	return err_set(e, ERR_REMOTE, "%s", t->text[0] ? t->text : curl_easy_strerror(code));
}

static int perform(struct transfer *t, const char *url, bool own, struct err *e)
{
	t->headers = NULL;
	t->head_told = false;
	t->said = 0;
	t->text[0] = '\0';
	forget_head(t->answer);
	CURLcode code = CURLE_OK;
	int status = set_options(t, url, own, e);
	if (status == 0) {
		code = curl_easy_perform(t->easy);
		count_bytes(t);
		if (code == CURLE_OK && tell_head(t) < 0)
			code = CURLE_WRITE_ERROR;
		if (code != CURLE_OK)
			status = fail_on_code(t, code, e);
	}
	curl_slist_free_all(t->headers);
	return status;
}

static bool is_same_server(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		owned char *left = part_of(a, parts[i]), *right = part_of(b, parts[i]);

		if (strcasecmp(left, right) != 0)
			return false;
	}
	return true;
}

/* Where the answer sends us, on the heap. NULL with e. */
static char *next_url(const struct transfer *t, const char *url, struct err *e)
{
	char *target = NULL;

	(void)curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &target);
	owned char *shown = setting_url_shown(target ? target : "nowhere");
	owned char *scheme = part_of(target ? target : "", CURLUPART_SCHEME);
	owned char *before = part_of(url, CURLUPART_SCHEME);
	if (text_is(scheme, "https") || (text_is(scheme, "http") && !text_is(before, "https")))
		return mem_copy(target);
	(void)err_set(e, ERR_REMOTE, "a redirect from %s to %s is not followed", before, shown);
	return NULL;
}

/* The user and the password of the first URL go on to the same server alone. */
static char *without_user(const char *url)
{
	CURLU *u = curl_url();
	char *text = NULL;

	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
		(void)curl_url_set(u, CURLUPART_USER, NULL, 0);
		(void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
		(void)curl_url_get(u, CURLUPART_URL, &text, 0);
	}
	char *copy = mem_copy(text ? text : url);
	curl_free(text);
	curl_url_cleanup(u);
	return copy;
}

/* "<Code>NoSuchKey</Code>", what S3 says; on the heap, with a blank in front. */
static char *said_code(const char *said)
{
	const char *code = strstr(said, "<Code>");
	size_t length;

	if (!code)
		return mem_copy("");
	code += strlen("<Code>");
	length = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	return mem_format(" %.*s", (int)length, code);
}

static int judge(struct transfer_answer *a, struct err *e)
{
	owned char *code = said_code(a->said);
	const char *hint = "";

	if (is_success(a->status) || a->status == 304 || a->status == 416)
		return 0;
	a->again = a->status >= 500 || a->status == 408 || a->status == 429;
	if (a->status == 401 || a->status == 403)
		hint = ": it wants other credentials";
	else if (a->status == 407)
		hint = ": the proxy wants other credentials";
	else if (a->status == 404 || a->status == 410)
		hint = ": there is nothing under this name";
	else if (a->again)
		hint = ": it cannot just now";
	return err_set(e, ERR_REMOTE, "the server answered with status %d%s%s", a->status, code,
		       hint);
}

static int follow(struct transfer *t, struct err *e)
{
	owned char *url = mem_copy(t->plan->url);

	for (int redirects = 0;; redirects++) {
		bool own = is_same_server(url, t->plan->url);

		if (perform(t, url, own, e) < 0)
			return -1;
		if (!is_redirect(t->answer->status))
			return judge(t->answer, e);
		if (redirects == TRANSFER_REDIRECTS_MOST)
			return err_set(e, ERR_REMOTE, "more than %d redirects",
				       TRANSFER_REDIRECTS_MOST);
		owned char *next = next_url(t, url, e);
		if (!next)
			return -1;
		bool same = is_same_server(next, t->plan->url);
		if (t->plan->same_server && !same)
			return err_set(
				e, ERR_REMOTE,
				"the server sends to another one, which a pushed update is not "
				"taken from");
		free(url);
		url = same ? mem_take(next) : without_user(next);
	}
}

int transfer_run(const struct transfer_plan *plan, struct transfer_answer *ret, struct err *e)
{
	struct transfer t = { .plan = plan, .answer = ret };

	*ret = (struct transfer_answer){ 0 };
	forget_head(ret);
	t.easy = shared_easy(e);
	return t.easy ? follow(&t, e) : -1;
}

char *transfer_escape(const char *text, bool keep_slashes)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	struct buf b = BUF_INIT(ESCAPED_MOST);

	for (; *text; text++) {
		if (strchr(plain, *text) || (keep_slashes && *text == '/'))
			(void)buf_add(&b, text, 1);
		else
			(void)buf_add_format(&b, "%%%02X", (unsigned char)*text);
	}
	return buf_take(&b);
}
