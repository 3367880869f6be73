/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_keys: who we are to an S3 server: a file that is read each time, as JSON
 *
 *   {"AccessKeyId": "...", "SecretAccessKey": "...", "SessionToken": "..."}
 *
 * or as the AWS tools have it, the part [default] of
 *
 *   aws_access_key_id = ...
 *   aws_secret_access_key = ...
 *   aws_session_token = ...
 *
 * or, without a file, the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
 */
#pragma once

#include "base/err.h"

struct transfer_keys;

/* All NULL when there are none: nothing is signed. file may be NULL. */
int s3_keys_load(const char *file, struct transfer_keys *ret, struct err *e);

/* From the file's text, which is changed. */
int s3_keys_read(char *text, struct transfer_keys *ret, struct err *e);
void s3_keys_done(struct transfer_keys *k);
