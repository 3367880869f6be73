/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_page: one number of a page in Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), or in OpenMetrics, of which
 * exemplars are passed over.
 *
 * A sample is asked for as the page writes it: players, or players{mode="ctf"}. The labels given
 * have to be the same, a label that is not there being the same as an empty one; others may be
 * there.
 */
#pragma once

#include <stdbool.h>

struct err;

/* Whether sample is written as it has to be; ERR_USAGE. */
int metrics_page_check(const char *sample, struct err *e);

/*
 * The value of the only sample that fits, or the sum of all, of which none may be negative: -1 says
 * "none" on many pages. ERR_REMOTE: there is none, there are several, it is no finite number, or
 * any line of the page is malformed, its end included: a page that was cut says nothing.
 */
int metrics_page_read(const char *page, const char *sample, bool sum, double *ret, struct err *e);
