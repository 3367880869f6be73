# SPDX-License-Identifier: Apache-2.0
"""
Fields against a schema: schema.yaml of this folder, or the openAPIV3Schema of a CRD.

The first is written short and expanded to the form of the second, so that one reader does for both.
"""
import difflib
import os
import re

import yaml

from formats import misfit

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict,
         "array": list}


def expand(short, definitions):
    """Of schema.yaml's notation, which its head explains."""
    if isinstance(short, list):
        return {"type": "array", "items": expand(short[0], definitions)}
    if isinstance(short, dict):
        return expand_object(short, definitions)
    if short.startswith("= "):
        return {"type": "string", "enum": short[2:].split(" ")}
    if short[0].isupper():
        return expand(definitions[short], definitions)
    return {"form": short}


def expand_object(short, definitions):
    key = next(iter(short))
    if key.startswith("<"):
        return {"type": "object", "keys": key.strip("<>"),
                "additionalProperties": expand(short[key], definitions)}
    fields = {}
    for name, inner in short.items():
        if name == "+":
            fields.update(definitions[inner])
        else:
            fields[name] = inner
    return {"type": "object", "required": [k[:-1] for k in fields if k.endswith("!")],
            "properties": {k.rstrip("!"): expand(v, definitions) for k, v in fields.items()}}


def read_schema(path):
    """Its definitions by name."""
    with open(path) as file:
        definitions = yaml.safe_load(file)
    return {name: expand(short, definitions) for name, short in definitions.items()}


def errors(value, node, path="", needed=True):
    """What of a value is not as the schema says; not needed: the value is a part of a whole."""
    if value is None:
        yield f"{path}: it is empty; write a value, or leave the field out"
    elif "form" in node:
        right = misfit(node["form"], value)
        if right:
            yield f"{path}: {value!r} is no {node['form']}; right is {right}"
    elif node.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            yield f"{path}: {value!r} is neither a number nor a text"
    elif not is_of_type(value, node.get("type")):
        yield f"{path}: {value!r} is of another type; right is {node['type']}"
    elif isinstance(value, dict):
        yield from object_errors(value, node, path, needed)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from errors(item, node.get("items", {}), f"{path}[{i}]")
    else:
        yield from limit_errors(value, node, path)


def object_errors(value, node, path, needed):
    known = node.get("properties", {})
    others = node.get("additionalProperties")
    # The API server checks metadata by itself, and CRDs say so little of it.
    free = node.get("x-kubernetes-preserve-unknown-fields") or (not known and others is None)
    for name, inner in value.items():
        here = f"{path}.{name}" if path else str(name)
        if name in known:
            yield from errors(inner, known[name], here)
        elif others is not None:
            if "keys" in node and misfit(node["keys"], name):
                yield f"{here}: it is no {node['keys']}; right is {misfit(node['keys'], name)}"
            yield from errors(inner, others, here)
        elif not free:
            yield f"{here}: there is no such field{nearest(name, known)}"
    for name in node.get("required", []) if needed else []:
        if name not in value:
            yield f"{path}.{name}: it is missing".lstrip(".")


def is_of_type(value, name):
    if name is None:
        return True
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def limit_errors(value, node, path):
    if "enum" in node and value not in node["enum"]:
        yield f"{path}: {value!r} is not known; right is one of {', '.join(node['enum'])}"
    if "pattern" in node and not re.search(node["pattern"], str(value)):
        yield f"{path}: {value!r} does not fit {node['pattern']}"
    if value is not None and "minimum" in node and value < node["minimum"]:
        yield f"{path}: {value} is too small; right is {node['minimum']} or more"
    if "maximum" in node and value > node["maximum"]:
        yield f"{path}: {value} is too large; right is {node['maximum']} or less"


def nearest(name, known):
    # A letter in front may be lost, which the ratio counts as much as one in the middle.
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; the nearest is {close[0]}" if close else f"; there are {', '.join(sorted(known))}"


def read_crds(folder):
    """By apiVersion and kind, the schema of each CRD of a folder."""
    schemas = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".yaml"):
            continue
        with open(f"{folder}/{name}") as file:
            for crd in yaml.safe_load_all(file):
                spec = crd["spec"]
                for version in spec["versions"]:
                    api = f"{spec['group']}/{version['name']}"
                    schemas[api, spec["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return schemas
