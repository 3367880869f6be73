# SPDX-License-Identifier: Apache-2.0
"""JSON patches (RFC 6902) without `move` and `copy`, which nobody uses; merge patches (7386)."""
import copy


def apply(document, operations):
    """The document patched; ValueError says which operation cannot be done."""
    whole = copy.deepcopy(document)
    for operation in operations:
        try:
            step(whole, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{operation['op']} {operation['path']}: {why(error)}") from error
    return whole


def merge(document, patch):
    if not isinstance(patch, dict):
        return patch
    whole = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        whole[name] = merge(whole.get(name), value)
    return {name: value for name, value in whole.items() if value is not None}


def why(error):
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)


def step(whole, operation):
    if not operation["path"].startswith("/"):
        raise ValueError("the path has to begin with /")
    *parents, last = [word.replace("~1", "/").replace("~0", "~")
                      for word in operation["path"][1:].split("/")]
    for word in parents:
        whole = whole[index(whole, word)]
    at = index(whole, last)
    if operation["op"] == "add":
        add(whole, at, operation["value"])
    elif operation["op"] == "replace":
        whole[at]  # what is not there cannot be replaced
        whole[at] = operation["value"]
    elif operation["op"] == "remove":
        del whole[at]
    elif operation["op"] == "test" and whole[at] != operation["value"]:
        raise ValueError(f"it is {whole[at]!r}")


def index(where, word):
    if isinstance(where, list):
        return len(where) if word == "-" else int(word)
    return word


def add(where, at, value):
    if not isinstance(where, list):
        where[at] = value
    elif at > len(where):
        raise IndexError(f"there are only {len(where)}")
    else:
        where.insert(at, value)


def differences(old, new, path=""):
    """(path, what it was, what it is), of what is not the same; None where it is not there."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new)):
            yield from differences(one, other, f"{path}[{i}]")
    elif old != new:
        yield path, old, new
