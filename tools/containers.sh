#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs podman, buildah or a script that calls them with a store below build/containers, and all else
# that they keep below /run/gs-sidecar-NUMBER, so that the machine's own images and containers are neither
# seen nor touched. No registry is ever asked.
#
# It is root's, since pods with cgroups and networks of their own are, and since a user's podman would
# take that user's own store: whoever else calls this needs sudo.
#
#   tools/containers.sh podman images
set -euo pipefail

if ((EUID)); then
	exec sudo -n --preserve-env=BENCH_POD_ROUNDS,CHROMIUM "$0" "$@"
fi

here=$(realpath "$(dirname "$0")/..")/build/containers
# What a reboot has to end.
running=/run/gs-sidecar-$(cksum <<<"$here" | cut -d ' ' -f 1)
mkdir -p "$here"

# As much as the machine allows itself, soft as hard: podman 4.3 changes the two round in a pod made
# from a manifest, and a runtime may not raise a limit. podman takes 32768 processes for itself.
limit() {
	local most

	most=$(ulimit -H "-$1")
	if [[ $most == unlimited ]] || ((most > $2)); then most=$2; fi
	printf '%s:%s' "$most" "$most"
}

cat >"$here/containers.conf.new" <<END
[containers]
default_ulimits = ["nofile=$(limit n 1048576)", "nproc=$(limit u 32768)"]
[engine]
# crun refuses cgroups of both versions side by side.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "$running/engine"
lock_type = "file"
END
cat >"$here/storage.conf.new" <<END
[storage]
driver = "overlay"
graphroot = "$here/store"
runroot = "$running/storage"
END
for file in containers.conf storage.conf; do
	mv "$here/$file.new" "$here/$file"
done

export CONTAINERS_CONF=$here/containers.conf CONTAINERS_STORAGE_CONF=$here/storage.conf
exec "$@"
