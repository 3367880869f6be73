/* SPDX-License-Identifier: Apache-2.0 */
/* number: see number.h. */
#include "probe/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *text, double *ret)
{
	char *end;

	if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
		return false;
	*ret = strtod(text, &end);
	return !*end && isfinite(*ret);
}

const char *number_text(double number, char text[NUMBER_TEXT_SIZE])
{
	/* Without the sign of a negative zero. */
	(void)snprintf(text, NUMBER_TEXT_SIZE, "%.15g", number + 0.0);
	return text;
}
