/* SPDX-License-Identifier: Apache-2.0 */
/* source_kinds: all there are, one file each. */
#pragma once

#include "probe/source.h"

extern const struct source_kind source_http;
extern const struct source_kind source_metrics;
extern const struct source_kind source_prometheus;
extern const struct source_kind source_file;
extern const struct source_kind source_tcp;
extern const struct source_kind source_udp;
extern const struct source_kind source_process;
extern const struct source_kind source_command;
extern const struct source_kind source_a2s;
extern const struct source_kind source_minecraft;
extern const struct source_kind source_quake3;
extern const struct source_kind source_sidecar;
