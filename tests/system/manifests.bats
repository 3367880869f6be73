#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every manifest of this repository is right, and tests/manifests/check.py tells what is not.
# Natively alone, see tests/run.

load lib

repository=$BATS_TEST_DIRNAME/../..
manifests=$repository/tests/manifests

check() {
	run "$manifests/check.py" "$@"
}

@test "every manifest and every block of one is right" {
	check
	expect_status 0
	# One that is left out would be right, too: each YAML file, and what is built of them.
	count=$(find "$repository/examples" -name '*.yaml' | wc -l)
	found=$(sed -n 's/^manifests: \([0-9]*\) .*/\1/p' <<<"$output")
	((count > 10 && found >= count + 8))
}

@test "the manifest that the samples change is right" {
	check "$manifests/good/gameserverset.yaml"
	expect_status 0
}

# Lines that begin with #! say what is to be said of a sample: all of it, and nothing else.
@test "each sample is refused for its own mistake alone" {
	local sample message

	mkdir samples
	"$manifests/sample.py" samples "$manifests"/bad/*.yaml
	cd samples
	check ./*.yaml
	expect_status 1
	((${#lines[@]} > 80))
	for sample in ./*.yaml; do
		sed -n 's/^#! //p' "$sample" >../wanted
		printf '%s\n' "${lines[@]}" | grep -F -- "$sample: " >../said
		[[ -s ../wanted ]]
		if grep -vFf ../wanted ../said; then
			return 1
		fi
		while read -r message; do
			grep -qF -- "$message" ../said || {
				printf '%s: not said: %s\n' "$sample" "$message"
				return 1
			}
		done <../wanted
	done
}

# The containers of a manifest, those of a SidecarSet too, one JSON on a line.
containers_of() {
	python3 -c 'import json, sys, yaml
for spec in (d["spec"] for d in yaml.safe_load_all(open(sys.argv[1])) if d["kind"] in ("GameServerSet", "SidecarSet")):
    pod = spec.get("gameServerTemplate", {}).get("spec", spec)
    for container in pod.get("initContainers", []) + pod["containers"]:
        print(json.dumps(container))' "$1"
}

@test "what examples/README.md says of every manifest is so" {
	local manifest user memory container count=0

	for manifest in "$repository"/examples/{*/gameserverset,sidecarset/sidecarset,kustomize/base/gameserverset}.yaml; do
		user=.runAsNonRoot memory=16Mi
		[[ $manifest != */signal/* ]] || user='(.runAsUser == 0)'
		[[ $manifest != */artifacts/* ]] || memory=256Mi
		containers_of "$manifest" >containers
		while read -r container; do
			echo "$manifest: $container"
			gojq -e .imagePullPolicy <<<"$container"
			[[ $(gojq -r .image <<<"$container") == *-sidecar:* ]] || continue
			gojq -e ".resources.limits.memory == \"$memory\" and (.securityContext | $user and .readOnlyRootFilesystem and
				.allowPrivilegeEscalation == false and .capabilities == { drop: [\"ALL\"] })" <<<"$container"
			((++count))
		done <containers
	done
	((count > 12))
}

# broken COMMAND...: a copy of examples/NAME in which that is done.
broken() {
	rm -rf "${1:?}"
	cp -r "$repository/examples/$1" .
	cd "$1"
	shift
	"$@"
	cd ..
}

@test "kustomize: what is built is checked, and what cannot be built is said" {
	broken kustomize true
	check kustomize/overlay/kustomization.yaml
	expect_status 0
	broken kustomize sed -i 's/"--reload-url"/"--reload-ulr"/' component/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_status 1
	expect_output "kustomize/overlay (built) GameServerSet gss-2048-kustomize: "
	expect_output "--reload-ulr: no such flag"
	broken kustomize sed -i 's,containers/0/volumeMounts,containers/3/volumeMounts,' overlay/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_output "overlay/kustomization.yaml: patches[0]: add /spec/gameServerTemplate/spec/containers/3"
	broken kustomize sed -i 's/name: gss-2048-kustomize/name: gss-2048/' overlay/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_output "patches[0]: its target is nothing that is there"
	broken kustomize sed -i 's,2048-sidecar,2048-sidebar,' overlay/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_output "images: nothing has the image registry.example.com/2048-sidebar"
	broken kustomize sed -i '/^components:/,/^patches:/{/component/d}' overlay/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_output "images: nothing has the image"
	broken kustomize sed -i 's/kind: Component/kind: Kustomization/' component/kustomization.yaml
	check kustomize/overlay/kustomization.yaml
	expect_output "kind: it is Kustomization; here it has to be Component"
}

@test "CRDs are asked too, where there are any" {
	mkdir crds
	cat >crds/sets.yaml <<-'END'
		spec:
		  group: game.kruise.io
		  names: { kind: GameServerSet }
		  versions:
		    - name: v1alpha1
		      schema:
		        openAPIV3Schema:
		          type: object
		          required: [status]
		          properties:
		            metadata: { type: object }
		            kind: { type: string, enum: [GameServerSet] }
		            apiVersion: { type: string, pattern: "^game" }
		            spec:
		              type: object
		              properties:
		                replicas: { type: integer, maximum: 1 }
		                lifecycle: { type: object, additionalProperties: { type: string } }
		                updateStrategy: { x-kubernetes-int-or-string: true }
		                gameServerTemplate: { x-kubernetes-preserve-unknown-fields: true }
	END
	GS_CRDS=$dir/crds check "$manifests/good/gameserverset.yaml"
	expect_status 1
	expect_output "status: it is missing (by the CRD)"
	expect_output "spec.replicas: 2 is too large; right is 1 or less (by the CRD)"
	expect_output "spec.lifecycle.preDelete: {'labelsHandler': "
	expect_output "spec.updateStrategy: {'rollingUpdate': "
	expect_output "spec.serviceQualities: there is no such field"
	GS_CRDS=$dir/nowhere check "$manifests/good/gameserverset.yaml"
	expect_status 0
	expect_output "without CRDs, which are not in $dir/nowhere"
}

# In a copy of the repository's pages: page_says SED-SCRIPT FILE MESSAGE
page_says() {
	rm -rf copy
	mkdir -p copy/tests
	cp -r "$repository"/{README.md,docs,images,examples} copy/
	cp -r "$manifests" copy/tests/
	sed -i "$1" "copy/$2"
	run copy/tests/manifests/check.py
	expect_status 1
	expect_output "$3"
}

@test "what pages show is checked: blocks, parts of manifests, commands, sets that are selected" {
	page_says 's/^  - name: drained/  - nmae: drained/' README.md \
		"serviceQualities[0].nmae: there is no such field; the nearest is name"
	page_says 's/"result": "idle"/"result": "empty"/' docs/probes.md \
		"the probe never says idle with state: true; it says busy, done, draining, empty, quiet"
	page_says 's,/gs-sidecar status,/gs-sidecar statsu,' README.md \
		"README.md: kubectl exec gss-2048-0 -c sidecar: gs-sidecar: 'statsu' is not a command"
	page_says 's/preStop:/preStopp:/' docs/probes.md "lifecycle.preStopp: there is no such field"
	page_says 's,kubectl exec arena-2 -c sidecar,kubectl exec arena-2 -c sidecars,' \
		examples/drain-connections/README.md "there is no such container; there are install, arena, sidecar"
	page_says 's/probe drain --explain/probe drain --explian/' \
		examples/drain-connections/README.md "--explian: no such flag"
	page_says 's/{"updatePriority": 100}/{"updatePriorty": 100}/' examples/canary/README.md \
		"kubectl patch GameServer gss-2048-canary-9: spec.updatePriorty: there is no such field"
	page_says 's/owner-gss: gss-2048-injected/owner-gss: gss-2048/' examples/sidecarset/sidecarset.yaml \
		"sidecarset.yaml: spec.selector: it selects no GameServerSet of examples/sidecarset"
	page_says 's,mountPath: /app/scripts,mountPath: /app/script,' examples/sidecarset/sidecarset.yaml \
		"gameserverset.yaml with sidecarset.yaml: "
}
