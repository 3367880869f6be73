/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's own printf by the C library's, which is linked anyway. build-libs.sh puts it in the
 * place of lib/mprintf.c. An allocated text is freed by free(): libcurl's allocator is malloc here.
 * And what libcurl reads by sscanf().
 */
#include "curl_setup.h"

#include "dynbuf.h"

#include <curl/mprintf.h>
#include <string.h>

int Curl_dyn_vprintf(struct dynbuf *dyn, const char *format, va_list values);

/* What was written, unlike vsnprintf(): what should have been. */
int curl_mvsnprintf(char *text, size_t size, const char *format, va_list values)
{
	int n = vsnprintf(text, size, format, values);

	return n > 0 && (size_t)n >= size ? (int)size - 1 : n;
}

int curl_msnprintf(char *text, size_t size, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	int n = curl_mvsnprintf(text, size, format, values);
	va_end(values);
	return n;
}

char *curl_maprintf(const char *format, ...)
{
	char *text;
	va_list values;

	va_start(values, format);
	int n = vasprintf(&text, format, values);
	va_end(values);
	return n < 0 ? NULL : text;
}

/* Appends; returns 1 and frees the buffer when memory or the buffer's limit is exhausted. */
int Curl_dyn_vprintf(struct dynbuf *dyn, const char *format, va_list values)
{
	char *text;

	if (vasprintf(&text, format, values) < 0) {
		Curl_dyn_free(dyn);
		return 1;
	}
	int failed = Curl_dyn_add(dyn, text) != CURLE_OK;

	free(text);
	return failed;
}

int Curl_status_line(const char *line, int *major, int *minor, char *blank, int *status,
		     char *behind);

/* sscanf(line, "HTTP/%1d.%1d%c%3d%c", ...); returns the same number. */
int Curl_status_line(const char *line, int *major, int *minor, char *blank, int *status,
		     char *behind)
{
	int digits = 0, value = 0;

	if (strncmp(line, "HTTP/", 5) != 0 || !ISDIGIT(line[5]))
		return 0;
	*major = line[5] - '0';
	if (line[6] != '.' || !ISDIGIT(line[7]))
		return 1;
	*minor = line[7] - '0';
	*blank = line[8];
	if (!*blank)
		return 2;
	line += 9 + strspn(line + 9, " \t");
	for (; digits < 3 && ISDIGIT(*line); digits++)
		value = value * 10 + *line++ - '0';
	if (digits == 0)
		return 3;
	*status = value;
	*behind = *line;
	return *behind ? 5 : 4;
}
