# SPDX-License-Identifier: Apache-2.0
"""The commands `kubectl exec` of a page: the containers are there, and the words are right."""
import re
import shlex

from calls import Call, ask_check, is_ours

COMMAND = re.compile(r"kubectl exec (\S+) -c (\S+) -- ([^`|&;\n]+)")


def check(text, documents):
    """documents: whole manifests with the containers of the page's pods."""
    containers = {c["name"]: (c, d.configs) for d in documents for c in containers_of(d)}
    for pod, name, words in COMMAND.findall(text.replace("\\\n", " ")):
        path = f"kubectl exec {pod} -c {name}"
        if name not in containers:
            yield f"{path}: there is no such container; there are {', '.join(containers)}"
            continue
        container, configs = containers[name]
        program, *words = shlex.split(words)
        if is_ours(program):
            call = Call(container, path, words, program)
            ask_check(call, configs)
            yield from call.messages


def containers_of(document):
    spec = document.content["spec"]
    spec = spec.get("gameServerTemplate", {}).get("spec", spec)
    return spec.get("initContainers", []) + spec.get("containers", [])
