# SPDX-License-Identifier: Apache-2.0
"""
What `kustomize build` makes of a folder, for as much of it as is used here: resources, components,
JSON 6902 patches, images and the namespace. Anything else is an error.
"""
import os
import re

import yaml

import json_patch
from documents import Strict

FIELDS = ("apiVersion", "kind", "namespace", "resources", "components", "patches", "images")


def build(folder):
    """Its objects; ValueError says what is wrong where."""
    return add_folder([], folder, "Kustomization")


def read(path):
    try:
        with open(path) as file:
            return [d for d in yaml.load_all(file, Strict) if d is not None]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error


def add_folder(objects, folder, kind):
    """A Kustomization stands for itself; a Component changes what is there already."""
    path = f"{folder}/kustomization.yaml"
    plan = read(path)[0]
    if plan.get("kind") != kind:
        raise ValueError(f"{path}: kind: it is {plan.get('kind')}; here it has to be {kind}")
    for field in plan:
        if field not in FIELDS:
            raise ValueError(f"{path}: {field}: the checker does not know it; there are "
                             f"{', '.join(FIELDS)}")
    for name in plan.get("resources", []):
        inner = os.path.normpath(f"{folder}/{name}")
        objects = objects + (build(inner) if os.path.isdir(inner) else read(inner))
    for name in plan.get("components", []):
        objects = add_folder(objects, os.path.normpath(f"{folder}/{name}"), "Component")
    for i, patch in enumerate(plan.get("patches", [])):
        objects = apply_patch(objects, patch, folder, f"{path}: patches[{i}]")
    for image in plan.get("images", []):
        if not sum(set_image(o, image) for o in objects):
            raise ValueError(f"{path}: images: nothing has the image {image['name']}")
    for thing in objects:
        if "namespace" in plan:
            thing["metadata"]["namespace"] = plan["namespace"]
    return objects


def is_meant(thing, target):
    """The patterns of a target have to fit wholly."""
    version = thing["apiVersion"].rpartition("/")
    has = {"group": version[0], "version": version[2], "kind": thing["kind"],
           "name": thing["metadata"]["name"], "namespace": thing["metadata"].get("namespace", "")}
    return all(re.fullmatch(pattern, has[field]) for field, pattern in target.items())


def apply_patch(objects, patch, folder, path):
    if ("path" in patch) == ("patch" in patch):
        raise ValueError(f"{path}: it needs either path or patch")
    operations = (read(f"{folder}/{patch['path']}")[0] if "path" in patch
                  else yaml.load(patch["patch"], Strict))
    if not isinstance(operations, list):
        raise ValueError(f"{path}: the checker knows JSON 6902 patches only, which are lists")
    meant = [o for o in objects if "target" in patch and is_meant(o, patch["target"])]
    if not meant:
        raise ValueError(f"{path}: its target is nothing that is there")
    try:
        return [json_patch.apply(o, operations) if o in meant else o for o in objects]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def set_image(node, image):
    """In every `image` field below a node; how many."""
    if isinstance(node, list):
        return sum(set_image(item, image) for item in node)
    if not isinstance(node, dict):
        return 0
    count = sum(set_image(item, image) for item in node.values())
    here = node.get("image")
    if isinstance(here, str) and re.fullmatch(re.escape(image["name"]) + "(:[^/]*)?(@.*)?", here):
        tag = here[len(image["name"]):]
        tag = f":{image['newTag']}" if "newTag" in image else tag
        node["image"] = image.get("newName", image["name"]) + tag
        return count + 1
    return count
