# SPDX-License-Identifier: Apache-2.0
"""Which manifests there are: YAML files, and the ```yaml blocks of pages; and what each is."""
import glob
import json
import os
import re

import yaml

from schema import errors

PAGES = ("README.md", "docs/*.md", "images/README.md", "examples/README.md",
         "examples/*/README.md")
# What a block that is no whole manifest may be a part of, and what a list may be of.
PARTS = ("GameServerSet", "GameServerSetSpec", "PodSpec", "Container", "ServiceQuality",
         "KustomizeFields")
LISTS = ("ServiceQuality", "Container", "Volume", "JsonPatch")
BLOCK = re.compile(r"^([ \t]*)```(yaml|json)\n(.*?)^[ \t]*```$", re.M | re.S)
COPY = re.compile(r"^COPY\s+(?:--\S+\s+)*(\S+\.json)\s+(/\S+\.json)\s*$", re.M)
CONFIG = "/etc/gs-sidecar.json"
FETCH = "/gs-fetch"


class Strict(yaml.SafeLoader):
    """As the API server reads: a field that is there twice is a mistake."""

    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name}: it is there twice; leave one of them")
        return super().construct_mapping(node, deep)


class Document:
    """
    name: for messages; kind: the definition in schema.yaml, of a whole manifest or of a part of
    one; configs: the files that the sidecar's image has, by their places in it.
    """

    def __init__(self, name, text, configs, content=None):
        self.name, self.text, self.configs, self.content = name, text, configs, content
        self.kind, self.whole = None, False

    def items(self):
        """A list's elements with their paths; of anything else itself."""
        if isinstance(self.content, list):
            return [(item, f"[{i}]") for i, item in enumerate(self.content)]
        return [(self.content, "")]


def identify(document, schema):
    """Sets what the document is; says why that cannot be told."""
    first = document.items()[0][0]
    if not isinstance(first, dict):
        yield "it is no manifest; right is an object, or a list of them"
        return
    if "kind" in first or document.name.endswith(".yaml") and document.content is first:
        document.kind, document.whole = first.get("kind"), True
        kinds = [k for k, v in schema.items() if "kind" in v["properties"]]
        if document.kind not in kinds:
            yield f"kind: {document.kind!r} is not known; right is one of {', '.join(kinds)}"
            document.kind = None
        return
    candidates = LISTS if isinstance(document.content, list) else PARTS
    document.kind = min(candidates, key=lambda kind: misfits(first, schema[kind]))


def misfits(part, node):
    """How little it is a part of that: fields of its own, and then mistakes anywhere."""
    return (len(part.keys() - node["properties"].keys()), len(list(errors(part, node, "", False))))


def read_text(name, text, configs, schema):
    """Documents with their content, and messages."""
    try:
        contents = list(yaml.load_all(text, Strict))
    except yaml.YAMLError as error:
        yield None, f"{name}: {' '.join(str(error).split())}"
        return
    for content in contents:
        document = Document(name, text, configs, content)
        for message in identify(document, schema):
            yield None, f"{name}: {message}"
        if document.kind:
            yield document, None


def read_file(path, schema):
    with open(path) as file:
        yield from read_text(path, file.read(), image_configs(os.path.dirname(path)), schema)


def read_page(path, schema, scratch):
    """Each ```yaml block. The ```json block before it, below the same heading, configures it."""
    configs = image_configs(os.path.dirname(path))
    with open(path) as file:
        text = file.read()
    section, config = None, None
    for match in BLOCK.finditer(text):
        heading = text.rfind("\n#", 0, match.start())
        if heading != section:
            section, config = heading, None
        line = text.count("\n", 0, match.start()) + 1
        if match[2] == "json":
            config = f"{scratch}/{path.replace('/', '-')}-{line}.json"
            with open(config, "w") as file:
                file.write(match[3])
        else:
            own = {CONFIG: config} if config else configs
            yield from read_text(f"{path}:{line}", match[3], own, schema)


def image_configs(folder):
    """What the Containerfiles of a folder copy into the image; FETCH, if it is in one of them."""
    configs = {}
    for path in sorted(glob.glob(f"{folder or '.'}/Containerfile*")):
        with open(path) as file:
            text = file.read()
        for source, place in COPY.findall(text):
            # The context is the folder, or the repository.
            here = os.path.join(folder, source)
            configs[place] = here if os.path.exists(here) else source
        if "gs-sidecar-fetch" in text:
            configs[FETCH] = path
    return configs


def manifest_files():
    return sorted(glob.glob("examples/**/*.yaml", recursive=True))


def pages():
    return [path for pattern in PAGES for path in sorted(glob.glob(pattern))]


def folder_of(page):
    """Where the manifests are that its commands are for; the first example's, if not its own."""
    folder = os.path.dirname(page)
    return folder if folder.startswith("examples/") else "examples/2048"


def read_json(path):
    with open(path) as file:
        return json.load(file)
