/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's own printf by the C library's, which is linked anyway. build-libs.sh puts it in the
 * place of lib/mprintf.c. An allocated text is freed by free(): libcurl's allocator is malloc here.
 */
#include "curl_setup.h"

#include "dynbuf.h"

#include <curl/mprintf.h>

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
