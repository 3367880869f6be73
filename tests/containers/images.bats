#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `make images` makes: what is in the images, who they run as, and that they come out the same.

load ../system/lib
load ../system/https

repository=$(realpath "$BATS_TEST_DIRNAME/../..")
images=$repository/build/images
architectures=(amd64 arm64)
native=$(dpkg --print-architecture)
# The images of our programs, of which the second has both.
programs=(gs-sidecar gs-sidecar-fetch)

prepare() {
	chmod 755 "$dir"
}

clean_up() {
	umount "$dir"/elsewhere/build/containers/store/overlay 2>/dev/null || true
	podman rm --all --force --time 0 --filter label=images-test >/dev/null
	# By name, and no other name of the same image.
	{ podman images --format '{{.Repository}}:{{.Tag}}' | grep '^localhost/images-test:' || true; } | xargs -r podman rmi >/dev/null
}

# container FLAG... IMAGE [ARG...]: as strictly as Kubernetes can be told to, and without a network.
container() {
	container_in none "$@"
}

container_in() {
	run timeout 60 podman run --rm --pull never --label images-test --network "$1" --read-only --cap-drop ALL \
		--security-opt no-new-privileges "${@:2}"
}

# none_of PATTERN FILE
none_of() {
	if grep -E "$@"; then return 1; fi
}

# ---- what was built, as it goes to a registry ----

blob() {
	printf %s "$images/oci/blobs/${1/://}"
}

# The manifest of one architecture's image: manifest NAME:TAG ARCH
manifest() {
	local list

	list=$(jq -er --arg name "$1" '.manifests[] |
		select(.annotations["org.opencontainers.image.ref.name"] == $name).digest' "$images/oci/index.json")
	blob "$(jq -er --arg arch "$2" '.manifests[] | select(.platform == { os: "linux", architecture: $arch }).digest' "$(blob "$list")")"
}

# Its configuration: of_image NAME:TAG ARCH JQ-FILTER
of_image() {
	jq -r "$3" "$(blob "$(jq -r .config.digest "$(manifest "$1" "$2")")")"
}

# Its last layer: layer NAME:TAG ARCH
layer() {
	blob "$(jq -r '.layers[-1].digest' "$(manifest "$1" "$2")")"
}

file_of() {
	tar -xzOf "$(layer "$1" "$2")" "$3"
}

built_at() {
	date -d "$(of_image gs-sidecar:latest amd64 .created)" +%s
}

# ---- gs-sidecar, and the one with gs-fetch ----

# What an image's programs are linked with: libraries_of IMAGE ARCH
libraries_of() {
	cat "$repository/build/$2/libs/versions.txt"
	[[ $1 == gs-sidecar ]] || cat "$repository/build/$2/fetch-libs/versions.txt"
}

# Its programs: names_of IMAGE
names_of() {
	case $1 in
	gs-sidecar) echo gs-sidecar ;;
	gs-sidecar-fetch) printf '%s\n' gs-sidecar gs-fetch ;;
	esac
}

# expected_files IMAGE ARCH
expected_files() {
	local doc=usr/share/doc/gs-sidecar

	printf '%s\n' drwxr-xr-x:{etc/,etc/ssl/,etc/ssl/certs/,usr/,usr/share/,usr/share/doc/,$doc/,$doc/licences/} \
		-rw-r--r--:{etc/passwd,etc/group,etc/ssl/certs/ca-certificates.crt} \
		-rw-r--r--:$doc/{LICENSE,sbom.spdx.json,licences/{LGPL-2.1,ca-certificates,libgcc}}
	names_of "$1" | sed 's/^/-rwxr-xr-x:/'
	libraries_of "$1" "$2" | sed "/^cmocka /d; s, .*,,; s,^,-rw-r--r--:$doc/licences/," | sort -u
}

@test "gs-sidecar, with gs-fetch and without: one layer with the promised files of root's, and nothing else" {
	for image in "${programs[@]}"; do
		for arch in "${architectures[@]}"; do
			expect_equal "$(jq '.layers | length' "$(manifest "$image:latest" "$arch")")" 1
			diff <(expected_files "$image" "$arch" | sort) <(tar --numeric-owner -tvzf "$(layer "$image:latest" "$arch")" |
				awk '$2 == "0/0" { print $1 ":" $6 }' | sort)
			expect_equal "$(tar -tvzf "$(layer "$image:latest" "$arch")" | awk '/^-/ && $3 == 0')" ""
		done
	done
	expect_equal "$(tar -tzf "$(layer gs-sidecar:latest amd64)" | grep -c fetch)" 0
}

@test "gs-sidecar: each architecture has its programs" {
	machines=([0]=3e [1]=b7)
	for image in "${programs[@]}"; do
		for i in 0 1; do
			arch=${architectures[i]}
			[[ $arch == "$native" ]] && by=() || by=(qemu-aarch64-static)
			for name in $(names_of "$image"); do
				file_of "$image:latest" "$arch" "$name" >program
				cmp program "$repository/build/$arch/$name"
				chmod +x program
				expect_equal "$(od -An -tx1 -j 18 -N 1 program | tr -d ' ')" "${machines[i]}"
				run "${by[@]}" ./program --version
				expect_output "$("$gs" version | cut -d ' ' -f 2)"
			done
			expect_equal "$(of_image "$image:latest" "$arch" '"\(.os) \(.architecture)"')" "linux $arch"
		done
	done
}

@test "gs-sidecar: user, entrypoint and labels" {
	version=$("$gs" version | cut -d ' ' -f 2)
	for image in "${programs[@]}"; do
		for arch in "${architectures[@]}"; do
			expect_equal "$(of_image "$image:latest" "$arch" '.config | [.User, .Entrypoint[], .Cmd, .Volumes] | @json')" \
				'["65532:65532","/gs-sidecar",null,null]'
			of_image "$image:latest" "$arch" '.config.Labels | to_entries[] | "\(.key)=\(.value)"' >labels
			for wanted in "title=$image" "version=$version" description= licenses=Apache-2.0; do
				grep "^org.opencontainers.image.$wanted." labels || grep -x "org.opencontainers.image.$wanted" labels
			done
			expect_equal "$(wc -l <labels)" 4
			# The label has each licence of the bill of materials that something in the image is under.
			libraries_of "$image" "$arch" | sed '/^cmocka /d; s/.* //' | sort -u >licences
			while read -r licence; do
				grep -qE "^org.opencontainers.image.licenses=(.* )?$licence( |\$)" labels
			done <licences
			file_of "$image:latest" "$arch" etc/passwd | grep -x 'nonroot:x:65532:65532:.*:/:.*'
			file_of "$image:latest" "$arch" etc/passwd | grep '^root:x:0:0:'
			file_of "$image:latest" "$arch" etc/group | grep -x 'nonroot:x:65532:'
		done
		expect_equal "$(podman image inspect --format '{{.Id}}' "localhost/$image:$version")" \
			"$(podman image inspect --format '{{.Id}}' "localhost/$image:latest")"
	done
}

@test "gs-sidecar runs as nobody, without capabilities, on a read-only root" {
	container localhost/gs-sidecar version
	expect_status 0
	expect_output "$("$gs" version)"
	container localhost/gs-sidecar check --source /etc --target /volume
	expect_status 0
	expect_output /volume

	mkdir -m 777 volume
	container -v "$dir/volume:/volume" localhost/gs-sidecar sync --source /etc --target /volume --json
	expect_status 0
	cmp volume/ssl/certs/ca-certificates.crt "$images/gs-sidecar/$native/etc/ssl/certs/ca-certificates.crt"
	expect_equal "$(stat -c %u:%g volume/passwd volume/.gs-sidecar | uniq)" 65532:65532
	# The runtime has really done all that.
	container -v /proc/self:/volume localhost/gs-sidecar sync --source /etc --target /volume
	expect_status 4
	container localhost/gs-sidecar sync --source /etc --target /new
	expect_status 4
	expect_output "Read-only file system"
}

@test "gs-sidecar in a volume of somebody else's ends with what is wrong" {
	mkdir -m 755 volume
	container -v "$dir/volume:/volume" localhost/gs-sidecar run --source /etc --target /volume
	expect_status 4
	expect_output "gs-sidecar: write to target '/volume': Permission denied"
	expect_equal "$(ls -A volume)" ""
}

# ---- certificates ----

subjects() {
	openssl crl2pkcs7 -nocrl -certfile "$1" | openssl pkcs7 -print_certs -noout | grep '^subject' | sort
}

@test "the certificates are those of Debian's package, all readable" {
	package=("$repository"/build/packages/ca-certificates_*/usr/share/ca-certificates/mozilla)
	for arch in "${architectures[@]}"; do
		file_of gs-sidecar:latest "$arch" etc/ssl/certs/ca-certificates.crt >bundle
		count=$(grep -c -- '-----BEGIN CERTIFICATE-----' bundle)
		((count > 100))
		expect_equal "$count" "$(find "${package[0]}" -name '*.crt' | wc -l)"
		subjects bundle >in-image
		expect_equal "$(wc -l <in-image)" "$count"
		awk 1 "${package[0]}"/*.crt >all
		subjects all | diff - in-image
	done
}

@test "https: the image's certificates decide, or --ca-file; 8 MiB of memory are enough" {
	start_https 'location /reload { return 200 "reloaded"; }'
	reload=(localhost/gs-sidecar reload --url "https://localhost:$port/reload" --deadline 20s)
	in_8m=(host --memory 8m --memory-swap 8m)
	container_in "${in_8m[@]}" "${reload[@]}" --deadline 3s
	expect_status 3
	expect_output verif
	none_of POST access.log

	container_in "${in_8m[@]}" -v "$dir/ca.pem:/ca.pem:ro" "${reload[@]}" --ca-file /ca.pem
	expect_status 0
	container_in "${in_8m[@]}" -v "$dir/ca.pem:/etc/ssl/certs/ca-certificates.crt:ro" "${reload[@]}"
	expect_status 0
	expect_equal "$(grep -c POST access.log)" 2
}

# ---- bill of materials ----

# A jq condition that holds for it: sbom IMAGE ARCH JQ-FILTER
sbom() {
	[[ -e $1-$2.json ]] || file_of "$1:latest" "$2" usr/share/doc/gs-sidecar/sbom.spdx.json >"$1-$2.json"
	jq -e "$3" "$1-$2.json" >/dev/null || {
		printf 'not true of %s for %s: %s\n' "$@"
		return 1
	}
}

# expect_form IMAGE ARCH
expect_form() {
	sbom "$@" '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT"'
	sbom "$@" ".name | startswith(\"$1-\") and endswith(\"$2\")"
	sbom "$@" '.documentNamespace | test("^https://[^# ]+$")'
	sbom "$@" ".creationInfo.created == \"$(date -u -d "@$(built_at)" +%FT%TZ)\""
	sbom "$@" '.creationInfo.creators | length > 0 and all(test("^(Tool|Organization|Person): ."))'
	sbom "$@" '.packages | length > 8 and all(.name != "" and .downloadLocation == "NOASSERTION"
		and .filesAnalyzed == false and (.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$")))'
	sbom "$@" '[.packages[].SPDXID] | length == (unique | length)'
	sbom "$@" '[.packages[].externalRefs[]?.referenceLocator] | length == (unique | length)
		and all(test("^pkg:deb/debian/[a-z0-9.-]+@[0-9][^ ?+]*[?](arch=source&)?distro=bookworm$"))'
	# Every relationship is between two that are there, and everything has one.
	sbom "$@" '([.packages[].SPDXID] | sort) == ([.relationships[] | .spdxElementId, .relatedSpdxElement] - ["SPDXRef-DOCUMENT"] | unique)'
	sbom "$@" '.relationships | any(.spdxElementId == "SPDXRef-DOCUMENT" and .relationshipType == "DESCRIBES")'
	sbom "$@" '.relationships | all(.relationshipType | IN("DESCRIBES", "CONTAINS", "STATIC_LINK", "BUILD_DEPENDENCY_OF", "TEST_DEPENDENCY_OF"))'
	sbom "$@" '.relationships | length == (unique | length)'
}

@test "the bill of materials is SPDX 2.3 with all that it has to have" {
	for image in "${programs[@]}"; do
		for arch in "${architectures[@]}"; do
			expect_form "$image" "$arch"
			for name in $(names_of "$image"); do
				sum=$(file_of "$image:latest" "$arch" "$name" | sha256sum | cut -d ' ' -f 1)
				sbom "$image" "$arch" ".packages | any(.name == \"$name\" and .packageFileName == \"/$name\"
					and .checksums == [{ algorithm: \"SHA256\", checksumValue: \"$sum\" }])"
				sbom "$image" "$arch" ".relationships | any(.spdxElementId == \"SPDXRef-image\"
					and .relationshipType == \"CONTAINS\" and .relatedSpdxElement == \"SPDXRef-$name\")"
			done
		done
	done
}

# expect_part IMAGE ARCH PROGRAM NAME VERSION LICENCE
expect_part() {
	local how="spdxElementId == \"SPDXRef-$3\" and .relationshipType == \"STATIC_LINK\" and .relatedSpdxElement"

	sbom "$1" "$2" ".packages | any(.name == \"$4\" and .versionInfo == \"$5\"
		and .licenseDeclared == \"$6\" and .licenseConcluded == \"$6\")"
	[[ $4 != cmocka ]] ||
		how="relatedSpdxElement == \"SPDXRef-$3\" and .relationshipType == \"TEST_DEPENDENCY_OF\" and .spdxElementId"
	sbom "$1" "$2" ".relationships | any(.$how == \"SPDXRef-$4\")"
}

@test "the bill of materials names every part with its version and licence" {
	for image in "${programs[@]}"; do
		for arch in "${architectures[@]}"; do
			while read -r name version licence; do
				expect_part "$image" "$arch" gs-sidecar "$name" "$version" "$licence"
			done <"$repository/build/$arch/libs/versions.txt"
			for name in ca-certificates libgcc linux-libc-dev; do
				sbom "$image" "$arch" ".packages | any(.name == \"$name\" and (.versionInfo | test(\"^[0-9].*[0-9]\"))
					and (.licenseDeclared | test(\"^(MPL|GPL)-[0-9.]+\")))"
			done
			sbom "$image" "$arch" '.packages | map(select(.licenseDeclared | test("LGPL"))) |
				length == 1 and (.[0].comment | contains("build/sources/libmicrohttpd") and contains("tools/build-libs.sh"))'
			file_of "$image:latest" "$arch" usr/share/doc/gs-sidecar/licences/LGPL-2.1 |
				grep -c 'GNU LESSER GENERAL PUBLIC LICENSE'
		done
	done
	package=("$repository"/build/packages/ca-certificates_*)
	sbom gs-sidecar amd64 ".packages | any(.name == \"ca-certificates\" and \"${package[0]##*/}\" == \"ca-certificates_\(.versionInfo)_all\")"
}

@test "the bill of materials of gs-fetch names its own parts, and not the server it does not have" {
	for arch in "${architectures[@]}"; do
		while read -r name version licence; do
			expect_part gs-sidecar-fetch "$arch" gs-fetch "$name" "$version" "$licence"
			file_of gs-sidecar-fetch:latest "$arch" "usr/share/doc/gs-sidecar/licences/$name" | grep -q '^License: '
		done <"$repository/build/$arch/fetch-libs/versions.txt"
		for name in zlib libzstd libarchive curl mbedtls musl cjson xxhash libgcc; do
			sbom gs-sidecar-fetch "$arch" ".relationships | any(. == { spdxElementId: \"SPDXRef-gs-fetch\",
				relationshipType: \"STATIC_LINK\", relatedSpdxElement: \"SPDXRef-$name\" })"
		done
		sbom gs-sidecar-fetch "$arch" '.relationships | any(.spdxElementId == "SPDXRef-gs-fetch"
			and .relatedSpdxElement == "SPDXRef-libmicrohttpd") | not'
		for name in zlib libzstd libarchive gs-fetch; do
			sbom gs-sidecar "$arch" ".packages | any(.name == \"$name\") | not"
		done
	done
}

# ---- the same again ----

# The tree as somebody else would have it: another place, time, umask; and what took long to build.
another_tree() {
	umask 077
	mkdir -p "$1/build"
	git -C "$repository" ls-files -z | tar -C "$repository" -c --null -T - | tar -C "$1" -xm --no-same-permissions
	for name in packages sources {amd64,arm64}/{gs-sidecar,gs-fetch,{libs,fetch-libs}/versions.txt,libs/bin,libs/musl/specs}; do
		mkdir -p "$(dirname "$1/build/$name")"
		cp -r "$repository/build/$name" "$1/build/$name"
	done
	rm -rf "$1/build/containers"
}

names_and_digests() {
	jq -r '.manifests[] | "\(.annotations["org.opencontainers.image.ref.name"]) \(.digest)"' "$1" | sort
}

@test "built again elsewhere, at another time, by another user's habits: the same digests" {
	another_tree "$dir/elsewhere"
	expect_equal "$(stat -c %a elsewhere/examples/2048/game/index.html)" 600
	env -u CONTAINERS_CONF -u CONTAINERS_STORAGE_CONF SOURCE_DATE_EPOCH="$(built_at)" TZ=Asia/Tokyo LC_ALL=C.UTF-8 \
		elsewhere/tools/images.sh >table
	names_and_digests "$images/oci/index.json" >first
	(($(wc -l <first) == 8))
	names_and_digests elsewhere/build/images/oci/index.json | diff first -
	while read -r name _; do
		expect_equal "$(grep -c "^$name  *\(all\|amd64 .* sha256:\|arm64 .* sha256:\)" table)" 3
	done <first

	# They differ when there is a difference.
	SOURCE_DATE_EPOCH=$(($(built_at) + 1)) elsewhere/tools/images.sh files
	for name in "${programs[@]}"; do
		run diff -r "$images/$name" "elsewhere/build/images/$name"
		expect_status 1
	done
}

@test "a builder that knows nothing of make builds the same" {
	declare -A files=([gs-sidecar]=images/Containerfile [gs-sidecar-fetch]=images/fetch/Containerfile)
	for image in "${programs[@]}"; do
		for arch in "${architectures[@]}"; do
			buildah bud --quiet -f "$repository/${files[$image]}" --platform "linux/$arch" --timestamp "$(built_at)" \
				--identity-label=false --build-arg VERSION="$("$gs" version | cut -d ' ' -f 2)" \
				-t localhost/images-test:"$arch" "$images/$image"
			expect_equal "$(podman image inspect --format '{{.Id}}' localhost/images-test:"$arch")" \
				"$(podman image inspect --format '{{.Id}}' "localhost/$image:latest-$arch")"
		done
	done
}

@test "without a program, a commit or a sense, tools/images.sh says what is missing" {
	another_tree "$dir/elsewhere"
	run elsewhere/tools/images.sh files
	expect_status 1
	expect_output "set SOURCE_DATE_EPOCH"
	for name in gs-fetch gs-sidecar; do
		rm "elsewhere/build/arm64/$name"
		SOURCE_DATE_EPOCH=1000000000 run elsewhere/tools/images.sh
		expect_status 1
		expect_output "images: build/arm64/$name is missing: run make ARCH=arm64"
	done
	run elsewhere/tools/images.sh nonsense
	expect_status 1
}

# ---- images of users ----

# The document's Containerfile and commands, by one shell.
follow_readme() {
	mkdir -p js/lib
	echo one >js/game.js
	echo two >js/lib/part.js
	awk '/^```Dockerfile$/ && !n++ { on = 1; next } /^```$/ { on = 0 } on' "$repository/images/README.md" >Containerfile
	expect_equal "$(wc -l <Containerfile)" 3
	sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$repository/images/README.md" |
		sed 's/-t 2048-sidecar:/-t localhost\/images-test:/' >commands
	grep images-test commands
	# A layer keeps whole seconds, rounded; a checkout has fractions.
	touch -d '2026-11-20 12:00:00.7' js/game.js
	touch -d '2026-11-20 12:00:00.2' js/lib/part.js
	mkdir -p bin
	ln -sf "$gs" bin/gs-sidecar
	PATH=$dir/bin:$PATH bash -euxo pipefail commands
}

# What the image has in /app, with the times a node gives it: unpack TAG
unpack() {
	rm -rf app image
	podman save --quiet --format oci-dir --output image "localhost/images-test:$1"
	tar -xzf "image/blobs/$(jq -r '.layers[-1].digest' "image/blobs/$(jq -r '.manifests[0].digest' image/index.json | tr : /)" | tr : /)" app
}

# A change that keeps size and time is seen by who hashes.
change_unseen() {
	touch -r "$1" time
	echo "$2" >"$1"
	touch -r time "$1"
}

@test "the document's image: three lines, sealed without running anything, and the seal is believed" {
	follow_readme
	mkdir -m 777 volume
	container -v "$dir/volume:/app/scripts" localhost/images-test:v1.4.2 sync --source /app/js --target /app/scripts
	expect_status 0
	expect_output "(v1.4.2, serial 1)"
	expect_equal "$(cat volume/game.js volume/lib/part.js)" "$(printf 'one\ntwo')"

	unpack v1.4.2
	"$gs" verify app/js
	"$gs" sync --source app/js --target target
	change_unseen app/js/game.js eno
	run "$gs" sync --source app/js --target target
	expect_status 0
	expect_output unchanged
}

@test "a seal holds when the build changes times or owners, and does not when it changes modes" {
	follow_readme
	printf '%s\n' 'FROM gs-sidecar' 'COPY --chown=65532:65532 js /app/js' >Containerfile
	buildah bud --quiet -t localhost/images-test:owners .
	unpack owners
	expect_equal "$(stat -c %u app/js/game.js)" 65532
	[[ $(stat -c %.1Y app/js/game.js) == *.0 && $(stat -c %.1Y js/game.js) == *.7 ]]
	"$gs" sync --source app/js --target target
	change_unseen app/js/game.js eno
	run "$gs" sync --source app/js --target target
	expect_status 0
	expect_output unchanged

	buildah bud --quiet --timestamp 1000000000 -t localhost/images-test:times .
	unpack times
	expect_equal "$(stat -c %Y app/js/game.js)" 1000000000
	"$gs" verify app/js
	"$gs" sync --source app/js --target target
	# Not believed by its time, so it was hashed.
	change_unseen app/js/game.js eno
	run "$gs" sync --source app/js --target other
	expect_status 4
	expect_output "its seal does not match"

	printf '%s\n' 'FROM gs-sidecar' 'COPY --chmod=755 js /app/js' >Containerfile
	buildah bud --quiet -t localhost/images-test:modes .
	mkdir -m 777 volume
	container -v "$dir/volume:/app/scripts" localhost/images-test:modes sync --source /app/js --target /app/scripts
	expect_status 4
	expect_output "its seal does not match"
	expect_output "has another mode"
}

# ---- the example's images ----

@test "2048-sidecar: the versions differ in the one message, and are sealed" {
	for tag in v1.0 v2.0; do
		for arch in "${architectures[@]}"; do
			expect_equal "$(jq '.layers | length' "$(manifest "2048-sidecar:$tag" "$arch")")" 2
			expect_equal "$(of_image "2048-sidecar:$tag" "$arch" '.config | [.User, .Entrypoint[]] | @json')" '["65532:65532","/gs-sidecar"]'
			expect_equal "$(of_image "2048-sidecar:$tag" "$arch" '.config.Labels["org.opencontainers.image.version"]')" "$tag"
			rm -rf "$tag-$arch"
			mkdir "$tag-$arch"
			tar -C "$tag-$arch" -xzf "$(layer "2048-sidecar:$tag" "$arch")"
			"$gs" verify "$tag-$arch/app/js"
		done
		diff -r "$tag-amd64" "$tag-arm64"
		"$repository/examples/2048/sidecar/build.sh" "$tag" "of-$tag"
		diff -r --exclude=..gs-sidecar-seal "of-$tag" "$tag-$native/app"
		"$gs" sync --source "$tag-$native/app/js" --target "target-$tag"
		expect_equal "$(jq -r .label "target-$tag/.gs-sidecar/published.json")" "$tag"
		change_unseen "$tag-$native/app/js/main.js" "$(sed 1s/./X/ "$tag-$native/app/js/main.js")"
		run "$gs" sync --source "$tag-$native/app/js" --target "target-$tag"
		expect_status 0
		expect_output unchanged
	done
	run diff -rq v1.0-amd64/app v2.0-amd64/app
	expect_equal "$(grep -c . <<<"$output")" 2
	expect_output html_actuator.js
}

@test "2048: nothing of the machine it was built on, and nginx with all it needs" {
	for arch in "${architectures[@]}"; do
		tar --numeric-owner -tvzf "$(layer nginx:debian "$arch")" >listing
		expect_equal "$(awk '$2 != "0/0"' listing)" ""
		none_of 'machine-id|/log/|\.log$|/cache/|resolv.conf|apt|hostname|/lists/' listing
		mkdir "$arch"
		tar -C "$arch" -xzf "$(layer nginx:debian "$arch")"
		# Whatever these are linked with is there.
		while read -r library; do
			[[ -e $arch/lib/$library || -n $(find "$arch" -name "$library") ]]
		done < <(readelf -d "$arch/usr/sbin/nginx" "$arch"/usr/lib/*/*.so.* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u)
		expect_equal "$(find "$arch" -xtype l ! -path '*/lib64/*')" ""
		for package in nginx libssl3; do
			grep -qx "Package: $package" "$arch/var/lib/dpkg/status.d/$package"
			[[ -s $arch/usr/share/doc/$package/copyright ]]
		done
		expect_equal "$(of_image 2048:v1.0 "$arch" '.config | [.User, .StopSignal, .Entrypoint[]] | @json')" \
			'["0:0","SIGTERM","nginx","-e","stderr"]'
		tar -tvzf "$(layer 2048:v1.0 "$arch")" | grep '^drwxrwxrwx .* var/www/html/js/$'
		expect_equal "$(of_image 2048:v1.0 "$arch" '.config.ExposedPorts | keys[]')" 80/tcp
		for tag in v1.0-http v1.0-inotify; do
			expect_equal "$(tar -tzf "$(layer 2048:$tag "$arch")")" gs-sidecar
			file_of 2048:$tag "$arch" gs-sidecar | cmp - "$repository/build/$arch/gs-sidecar"
		done
	done
}

# As a process of the container sees the network.
beside() {
	nsenter --net="/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/ns/net" -- "${@:2}"
}

@test "2048: serves the game on a read-only root and without a network, and logs to the container's" {
	id=$(podman run -d --pull never --label images-test --network none --read-only --tmpfs /tmp localhost/2048:v1.0)
	within 10 beside "$id" curl -fsS -o page http://127.0.0.1/
	cmp page "$repository/examples/2048/game/index.html"
	beside "$id" curl -fsS -D headers -o /dev/null http://127.0.0.1/style.css
	grep -i '^cache-control: no-cache' headers
	grep -i '^content-type: text/css' headers
	podman logs "$id" >out 2>err
	grep -F '"GET / HTTP/1.1" 200' out
	grep 'start worker process' err
	podman stop --time 10 "$id"
	expect_equal "$(podman inspect --format '{{.State.ExitCode}}' "$id")" 0
}

@test "2048:v1.0-inotify: what a sidecar publishes in the volume is reloaded once, and served" {
	mkdir -m 777 volume
	id=$(podman run -d --pull never --label images-test --network none -v "$dir/volume:/var/www/html/js" localhost/2048:v1.0-inotify)
	within 10 beside "$id" curl -fsS -o page http://127.0.0.1/
	for tag in v1.0 v2.0; do
		container -v "$dir/volume:/app/scripts" "localhost/2048-sidecar:$tag" sync --source /app/js --target /app/scripts
		expect_status 0
		within 10 watch_reloads "$id" "${tag:1:1}"
	done
	beside "$id" curl -fsS http://127.0.0.1/js/html_actuator.js | grep -F "'*_* Game over!'"
	expect_equal "$(beside "$id" curl -fsS http://127.0.0.1:3000/metrics | awk '$1 == "gs_sidecar_reloader_runs_total" { print $2 }')" 2
}

watch_reloads() {
	[[ $(beside "$1" curl -fsS http://127.0.0.1:3000/status | jq .watch.reloads) == "$2" ]]
}

# ---- the document ----

@test "the document's builders have their files and arguments" {
	document=$repository/images/README.md
	grep -F -- "VERSION=$("$gs" version | cut -d ' ' -f 2) " "$document"
	grep -oE -- '-f images/[^ ]*' "$document" | cut -d ' ' -f 2 | sort -u >files
	expect_equal "$(wc -l <files)" 5
	while read -r file; do
		[[ -s $repository/$file ]]
	done <files
	while read -r context; do
		[[ -d $repository/$context ]]
	done < <(grep -oE 'build/images/[^ `:]*$' "$document")
	while read -r argument; do
		(cd "$repository" && xargs grep -q "^ARG $argument") <files
	done < <(grep -oE -- '--build-arg [A-Z]+' "$document" | cut -d ' ' -f 2)
}

@test "the document's image with git is the example's" {
	awk '/^```Dockerfile$/ { block = "" ; on = 1; next } /^```$/ { if (block ~ /gs-fetch/) printf "%s", block; on = 0; block = "" }
		on { block = block $0 "\n" }' "$repository/images/README.md" >shown
	grep -v '^#' "$repository/examples/artifacts/Containerfile" | diff - shown
}

@test "the document's way to a registry sends what the OCI layout has, of both architectures" {
	grep -qF 'podman manifest push --all localhost/gs-sidecar docker://' "$repository/images/README.md"
	grep -qF 'podman manifest push --all localhost/gs-sidecar docker://' "$repository/docs/quickstart.md"
	podman manifest push --quiet --all localhost/gs-sidecar "oci:$dir/pushed:gs-sidecar:latest"
	names_and_digests pushed/index.json >pushed-digest
	grep -xFf pushed-digest <(names_and_digests "$images/oci/index.json")
}
