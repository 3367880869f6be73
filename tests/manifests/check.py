#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Checks every manifest of this repository, or those that are named.

  tests/manifests/check.py [FILE...]

Those are all YAML files below examples/, and the ```yaml blocks of the pages. They are held against
schema.yaml, the published CRDs in $GS_CRDS (where they are there), the rules of Kubernetes, Kruise
and OKG, and what `gs-sidecar check` says, of $GS_SIDECAR. A line on stdout for each mistake:

  file: path: what is wrong; what would be right
"""
import os
import sys
import tempfile

import documents
import hot_update
import kubectl_exec
import kustomize
import okg_rules
import pod as pods
import schema
import sidecar_rules
import sidecarset
from calls import Calls

HERE = os.path.dirname(os.path.realpath(__file__))
CRDS = os.environ.get("GS_CRDS", f"{HERE}/../../../shared/crds")


class Checker:
    def __init__(self):
        self.definitions = schema.read_schema(f"{HERE}/schema.yaml")
        self.crds = schema.read_crds(CRDS) if os.path.isdir(CRDS) else {}
        self.good, self.count, self.mistakes = [], 0, 0

    def say(self, message):
        print(message)
        self.mistakes += 1

    def take(self, found):
        """What was found, and what of it is as the schema says."""
        for document, message in found:
            if message:
                self.say(message)
            else:
                self.count += 1
                self.look_at(document)

    def look_at(self, document):
        before = self.mistakes
        for item, path in document.items():
            for message in self.schema_errors(document, item, path):
                self.say(f"{document.name}: {message}")
        # Rules are for what has the right form.
        if self.mistakes == before:
            self.good.append(document)
            for message in rules(document):
                self.say(f"{document.name}: {message}")

    def schema_errors(self, document, item, path):
        node = self.definitions[document.kind]
        # A part need not have what another part has.
        needed = document.whole or isinstance(document.content, list)
        own = list(schema.errors(item, node, path, needed))
        yield from own
        if document.whole and not own:
            crd = self.crds.get((item["apiVersion"], item["kind"]))
            yield from (f"{m} (by the CRD)" for m in schema.errors(item, crd or {}))

    def whole_ones(self, folder):
        return [d for d in self.good if d.whole and "spec" in d.content
                and folder in (os.path.dirname(d.name), d.name)]

    def commands(self, name, text, folder):
        """Of the page, or the file, with that text."""
        manifests = self.whole_ones(folder)
        by_name = {(d.kind, d.content["metadata"]["name"]): d.content for d in manifests}
        for message in hot_update.check(text, by_name, self.definitions, os.path.basename(folder)):
            self.say(f"{name}: {message}")
        for message in kubectl_exec.check(text, manifests):
            self.say(f"{name}: {message}")

    def injected(self, folder):
        """Each SidecarSet of a folder together with the sets there that it selects."""
        whole = self.whole_ones(folder)
        for sidecars in (d for d in whole if d.kind == "SidecarSet"):
            games = [d for d in whole if d.kind == "GameServerSet"
                     and sidecarset.selects(sidecars.content, d.content)]
            if not games:
                self.say(f"{sidecars.name}: spec.selector: it selects no GameServerSet of {folder}")
            for game in games:
                self.built(f"{game.name} with {os.path.basename(sidecars.name)}",
                           sidecarset.inject(sidecars.content, game.content), game.configs)

    def built(self, name, content, configs):
        """Rules for what no file has; the schema was for the files."""
        document = documents.Document(name, "", configs, content)
        document.kind, document.whole = content["kind"], True
        for message in rules(document):
            self.say(f"{name}: {message}")

    def kustomization(self, folder):
        """What the folder builds is checked as any manifest."""
        try:
            objects = kustomize.build(folder)
        except ValueError as error:
            self.say(str(error))
            return
        configs = documents.image_configs(os.path.dirname(folder))
        for thing in objects:
            name = f"{folder} (built) {thing['kind']} {thing['metadata']['name']}"
            document = documents.Document(name, "", configs, thing)
            document.kind, document.whole = thing["kind"], True
            self.look_at(document)


def rules(document):
    """All but the schema."""
    items = document.items()
    kind, content = document.kind, items[0][0]
    if kind in ("GameServerSet", "GameServerSetSpec"):
        spec = content.get("spec", {}) if kind == "GameServerSet" else content
        yield from set_rules(spec, "spec" if kind == "GameServerSet" else "", document)
    elif kind == "SidecarSet":
        pod = pods.Pod(content["spec"], "spec", True)
        yield from pod_rules(pod, [], document, 0)
    elif kind == "PodSpec":
        yield from pod_rules(pods.Pod(content, "", False), [], document, 1)
    elif kind == "Container":
        pod = pods.Pod({"containers": [item for item, _ in items]}, "", False)
        yield from pod_rules(pod, [], document, 1)
    elif kind == "Volume":
        yield from pods.check(pods.Pod({"volumes": [item for item, _ in items]}, "", False))
    elif kind == "ServiceQuality":
        whole = {"serviceQualities": [item for item, _ in items]}
        yield from set_rules(whole, "", document)


def set_rules(spec, path, document):
    template = spec.get("gameServerTemplate", {})
    path = f"{path}." if path else ""
    pod = pods.Pod(template.get("spec", {}), f"{path}gameServerTemplate.spec", "spec" in template,
                   template.get("metadata"))
    qualities = [(q, f"{path}serviceQualities[{i}]")
                 for i, q in enumerate(spec.get("serviceQualities", []))]
    calls = yield from pod_rules(pod, qualities, document, spec.get("replicas", 1))
    yield from okg_rules.check(spec, pod, qualities, calls)
    if document.whole:
        yield from okg_rules.in_place(spec, pod, calls)


def pod_rules(pod, qualities, document, replicas):
    """replicas: how many may be on one node. The calls are for who goes on."""
    yield from pods.check(pod)
    calls = Calls(pod, qualities, document.configs)
    yield from sidecar_rules.check(calls, replicas)
    return calls


def check_all(checker, scratch):
    for path in documents.manifest_files():
        checker.take(documents.read_file(path, checker.definitions))
    for path in documents.pages():
        checker.take(documents.read_page(path, checker.definitions, scratch))
        with open(path) as file:
            checker.commands(path, file.read(), documents.folder_of(path))
    for folder in sorted({os.path.dirname(d.name) for d in checker.good}):
        checker.injected(folder)
    for path in documents.manifest_files():
        folder, name = os.path.split(path)
        if name == "kustomization.yaml" and "kind: Component" not in open(path).read():
            checker.kustomization(folder)


def check_file(checker, path):
    checker.take(documents.read_file(path, checker.definitions))
    with open(path) as file:
        checker.commands(path, file.read(), path)
    if os.path.basename(path) == "kustomization.yaml":
        checker.kustomization(os.path.dirname(path))


def main():
    checker = Checker()
    with tempfile.TemporaryDirectory() as scratch:
        for path in sys.argv[1:]:
            check_file(checker, path)
        if len(sys.argv) == 1:
            os.chdir(f"{HERE}/../..")
            check_all(checker, scratch)
    if checker.mistakes == 0:
        crds = "the CRDs" if checker.crds else f"without CRDs, which are not in {CRDS}"
        print(f"manifests: {checker.count} are right by the schema, {crds} and all rules")
    sys.exit(checker.mistakes > 0)


main()
