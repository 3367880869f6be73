# SPDX-License-Identifier: Apache-2.0
"""The forms of single values: what Kubernetes takes as a name, a quantity, a port."""
import re

LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
TEMPLATE = re.compile(r"\{\{.*?\}\}")
DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
FACTORS = {None: 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
           "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
REGISTRY = r"([a-zA-Z0-9.-]+(:\d+)?/)?"
IMAGE = re.compile(REGISTRY + r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
                   r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")


def fits(pattern, most):
    return lambda text: len(text) <= most and re.fullmatch(pattern, text)


def is_label_value(text):
    return len(text) <= 63 and LABEL_VALUE.fullmatch(text)


# OKG renders templates; what they may become is for okg_rules.py.
def is_label_template(text):
    return is_label_value(TEMPLATE.sub("x", text))


def is_key(text):
    prefix, slash, name = text.rpartition("/")
    return bool(name) and is_label_value(name) and (not slash or is_domain(prefix))


is_domain = fits(rf"{DNS_LABEL}(\.{DNS_LABEL})*", 253)


def is_mount_path(text):
    return text.startswith("/") and ":" not in text and ".." not in text.split("/")


def is_inner_path(text):
    return not text.startswith("/") and ".." not in text.split("/")


def quantity(value):
    """Its number; None when it is none. A bare number is one, too."""
    match = QUANTITY.fullmatch(str(value))
    return float(match[1]) * FACTORS[match[2]] if match else None


def image_parts(image):
    """Name without registry and folders, and tag: registry.example.com/a/b:v1 is b, v1."""
    last = image.partition("@")[0].rpartition("/")[2]
    name, _, tag = last.partition(":")
    return name, tag


# Name of the format: its types, what it has to be, and what that is called.
FORMATS = {
    "text": (str, lambda v: True, "a text, in quotes if it looks like a number or a flag"),
    "flag": (bool, lambda v: True, "true or false, without quotes"),
    "number": (int, lambda v: True, "a whole number, without quotes"),
    "count": (int, lambda v: v >= 0, "a whole number from 0"),
    "port": (int, lambda v: 1 <= v <= 65535, "a port from 1 to 65535"),
    "port-or-name": ((int, str), lambda v: re.fullmatch(DNS_LABEL, v) and len(v) <= 15
                     and re.search("[a-z]", v) if isinstance(v, str) else 1 <= v <= 65535,
                     "a port from 1 to 65535, or the name of one"),
    "port-name": (str, lambda v: len(v) <= 15 and re.fullmatch(DNS_LABEL, v)
                  and re.search("[a-z]", v), "at most 15 of a-z, 0-9 and -"),
    "mode": (int, lambda v: 0 <= v <= 0o777, "permissions such as 0400"),
    "count-or-percent": ((int, str), lambda v: re.fullmatch(r"\d+%", str(v))
                         if isinstance(v, str) else v >= 0, 'a number, or a text like "25%"'),
    "name": (str, fits(DNS_LABEL, 63), "a-z, 0-9 and -, at most 63 (DNS-1123)"),
    "object-name": (str, is_domain, "a-z, 0-9, - and ., at most 253 (DNS-1123)"),
    "label-key": (str, is_key, "PREFIX/NAME or NAME, the name at most 63 of A-Z, a-z, 0-9, -_."),
    "label-value": (str, is_label_value, "at most 63 of A-Z, a-z, 0-9, -_. and a letter or digit "
                    "at both ends"),
    "label-template": (str, is_label_template, "at most 63 of A-Z, a-z, 0-9, -_. and a letter or "
                       "digit at both ends"),
    "variable": (str, fits(r"[A-Za-z_][A-Za-z0-9_]*", 253), "A-Z, a-z, 0-9 and _"),
    "image": (str, IMAGE.fullmatch, "REGISTRY/NAME:TAG"),
    "mount-path": (str, is_mount_path, "a path from /, without : and .."),
    "inner-path": (str, is_inner_path, "a path without / in front and without .."),
    "relative-path": (str, lambda v: not v.startswith("/"), "a path without / in front"),
    "any": (object, lambda v: True, "anything"),
    "quantity": ((int, float, str), lambda v: quantity(v) is not None, "a quantity such as 8Mi "
                 "or 100m"),
    "priority": ((int, str), lambda v: isinstance(v, int) or "{{" in v, "a whole number, or a "
                 "template of one"),
}


def misfit(name, value):
    """Nothing, or what the value has to be."""
    types, is_right, right = FORMATS[name]
    # To Python a flag is a number.
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        return right
    return None if is_right(value) else right
