/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words beside the status codes that our servers and libmicrohttpd itself answer with: those of
 * all codes are 3 kB. build-libs.sh puts it in the place of src/microhttpd/reason_phrase.c.
 */
#include "mhd_str.h"
#include "microhttpd.h"
#include "platform.h"

#include <string.h>

/* RFC 9110, section 15, and RFC 6585. */
static const char phrases[] = "200OK\0"
			      "202Accepted\0"
			      "400Bad Request\0"
			      "401Unauthorized\0"
			      "403Forbidden\0"
			      "404Not Found\0"
			      "405Method Not Allowed\0"
			      "408Request Timeout\0"
			      "409Conflict\0"
			      "411Length Required\0"
			      "413Content Too Large\0"
			      "414URI Too Long\0"
			      "431Request Header Fields Too Large\0"
			      "500Internal Server Error\0"
			      "501Not Implemented\0"
			      "502Bad Gateway\0"
			      "503Service Unavailable\0"
			      "504Gateway Timeout\0"
			      "505HTTP Version Not Supported\0";

const char *MHD_get_reason_phrase_for(unsigned int code)
{
	for (const char *at = phrases; *at; at += strlen(at) + 1)
		if ((unsigned)((at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0') == code)
			return at + 3;
	return "Unknown";
}

size_t MHD_get_reason_phrase_len_for(unsigned int code)
{
	return strlen(MHD_get_reason_phrase_for(code));
}
