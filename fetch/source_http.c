/* SPDX-License-Identifier: Apache-2.0 */
/* source_http: one file, or an archive, from an HTTP server. */
#include "base/buf.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/setting.h"
#include "fetch/download.h"
#include "fetch/parcel.h"
#include "fetch/source.h"

#include <fcntl.h>
#include <string.h>

#define HEADERS_MOST ((size_t)64 * 1024)

/* The last part of the URL's path, without its query; on the heap. */
static char *name_in(const char *url)
{
	const char *path = strstr(url, "://");

	path = path ? path + 3 : url;
	size_t end = strcspn(path, "?#");
	const char *slash = memrchr(path, '/', end);
	return slash ? mem_copy_part(slash + 1, (size_t)(path + end - slash - 1)) : mem_copy("");
}

/* One a line; lines that are empty or begin with # are for people. */
static int read_headers(const char *path, struct list *ret, struct err *e)
{
	owned_buf b = BUF_INIT(HEADERS_MOST);

	if (!path)
		return 0;
	if (io_read_file(AT_FDCWD, path, &b, e) < 0)
		return err_in(e, "headers-file");
	for (char *rest = b.data, *line; (line = strsep(&rest, "\n"));) {
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (parse_header(line, e) < 0)
			return err_in(e, "headers-file '%s'", path);
		list_add(ret, line);
	}
	return 0;
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	struct list headers = { 0 };
	owned char *name = name_in(f->source->http);
	owned char *shown = setting_url_shown(f->source->http);
	const struct download_plan plan = {
		.url = f->source->http,
		.headers = &headers,
		.etag = f->known->etag,
		.modified = f->known->modified,
	};
	enum source_fill status = SOURCE_FILL_FAILED;

	if (read_headers(f->source->headers_file, &headers, e) == 0)
		status = parcel_fetch(f, &plan, name, tree, e);
	list_clear(&headers);
	return status < 0 ? (enum source_fill)err_in(e, "%s", shown) : status;
}

static int check(const struct fetch_source *s, struct err *e)
{
	owned char *name = name_in(s->http);

	if (s->file && s->unpack == REQUEST_UNPACK_TRUE)
		return err_set(e, ERR_USAGE, "\"file\" does nothing with an archive");
	if (!s->file && s->unpack != REQUEST_UNPACK_TRUE && !fetch_path_is_sound(name))
		return err_set(e, ERR_USAGE,
			       "\"http\": the URL ends with no name for a file; say \"file\" or "
			       "\"unpack\": true");
	return 0;
}

const struct source_kind kind_http = {
	.name = "http",
	.takes = "unpack file headers-file ca-file sha256 signature public-key most-ratio retries",
	.check = check,
	.fill = fill,
};
