# SPDX-License-Identifier: Apache-2.0
# The words behind `podman create` for container $name of the pod $pod, $volumes being where its
# volumes are; quoted for the shell. A field that it does not know is an error: no test would show what
# it does.

def only(fields): keys - fields | if . == [] then empty else error("this kubelet does not know \(.)") end;

# Each variable as kubelet fills it in, which may be in terms of those before it.
def expand($variables): gsub("\\$\\((?<name>[A-Za-z_][A-Za-z0-9_]*)\\)"; $variables[.name] // "$(\(.name))");
def value: if .valueFrom.fieldRef.fieldPath == "metadata.name" then $pod else .value end;
def variables: reduce (.env // [])[] as $one ({}; .[$one.name] = (. as $before | $one | value | expand($before)));

def flags($shared):
	variables as $variables |
	(($shared.securityContext // {}) + (.securityContext // {})) as $context |
	if $context.readOnlyRootFilesystem then "--read-only", "--read-only-tmpfs=false" else empty end,
	if $context.allowPrivilegeEscalation == false then "--security-opt=no-new-privileges" else empty end,
	(($context.capabilities.drop // [])[] | "--cap-drop=\(ascii_downcase)"),
	(($context.capabilities.add // [])[] | "--cap-add=\(ascii_downcase)"),
	if $context.runAsUser then "--user=\($context.runAsUser):\($context.runAsGroup // 0)" else empty end,
	if $context.fsGroup then "--group-add=\($context.fsGroup)" else empty end,
	((.resources.limits.memory // empty) | rtrimstr("i") | "--memory=\(.)", "--memory-swap=\(.)"),
	($variables | to_entries[] | "--env=\(.key)=\(.value)"),
	((.volumeMounts // [])[] |
		"--volume=\($volumes)/\(.name)\(if .subPath then "/\(.subPath)" else "" end):\(.mountPath)\(if .readOnly then ":ro" else "" end)"),
	if .command then "--entrypoint=\(.command | map(expand($variables)) | tojson)" else empty end;

.spec as $shared | ($shared.containers + ($shared.initContainers // []))[] | select(.name == $name) |
only(["name", "image", "imagePullPolicy", "command", "args", "env", "volumeMounts", "lifecycle", "ports",
	"resources", "readinessProbe", "restartPolicy", "securityContext"]),
(.securityContext // {} | only(["readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities",
	"runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"])),
(.lifecycle // {} | only(["postStart", "preStop"])),
(variables as $variables |
	[flags($shared), "localhost/\(.image | sub(".*/"; ""))", ((.args // [])[] | expand($variables))] | @sh)
