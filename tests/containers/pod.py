#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints as JSON what a manifest gives a pod: pod.py MANIFEST

From a Pod or the first GameServerSet: its metadata, its spec and its serviceQualities.
"""
import json
import sys

import yaml


def pod_of(document):
    spec = document["spec"]
    template = spec["gameServerTemplate"] if document["kind"] == "GameServerSet" else document
    return {
        "metadata": template.get("metadata", {}),
        "spec": template["spec"],
        "serviceQualities": spec.get("serviceQualities", []),
    }


with open(sys.argv[1], encoding="utf-8") as manifest:
    documents = [d for d in yaml.safe_load_all(manifest) if d and d["kind"] in ("Pod", "GameServerSet")]
json.dump(pod_of(documents[0]), sys.stdout)
