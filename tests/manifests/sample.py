#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes samples of bad/ as manifests: sample.py FOLDER FILE... One that is a list is a JSON patch of
the manifest in good/, whose image's configuration is put beside it; its comments, which may have
a command in them, stay.
"""
import os
import shutil
import sys

import yaml

import json_patch

GOOD = f"{os.path.dirname(os.path.realpath(__file__))}/good"


def manifest(text, good):
    changes = yaml.safe_load(text)
    if not isinstance(changes, list):
        return text
    comments = "".join(line for line in text.splitlines(True) if line.startswith("#"))
    return comments + yaml.safe_dump(json_patch.apply(good, changes))


def main():
    folder, *samples = sys.argv[1:]
    for name in ("Containerfile", "gs-sidecar.json", "sources.json"):
        shutil.copy(f"{GOOD}/{name}", folder)
    with open(f"{GOOD}/gameserverset.yaml") as file:
        good = yaml.safe_load(file)
    for path in samples:
        with open(path) as sample, open(f"{folder}/{os.path.basename(path)}", "w") as whole:
            whole.write(manifest(sample.read(), good))


main()
