/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prometheus: what an answer of the instant query API says, /api/v1/query of Prometheus and of what
 * speaks like it (https://prometheus.io/docs/prometheus/latest/querying/api/).
 */
#pragma once

#include <stdbool.h>

struct err;

struct prometheus_value {
	bool empty;    /* the query has no result, and nothing else is set */
	char *text;    /* of a query that is a string, for free(); NULL: it is a number */
	double number; /* finite */
};

/*
 * status is HTTP's. ERR_REMOTE for everything that is not one value: an error, a warning or a part
 * of the answer that is missing, several series, NaN and infinities, a histogram, a range.
 */
int prometheus_read(int status, const char *body, struct prometheus_value *ret, struct err *e);
