#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `gs-fetch verify`: signatures that openssl made.

load lib

fetch=${GS_FETCH:-${GS_SIDECAR%/*}/gs-fetch}

prepare() {
	seq 100000 >file
}

# key NAME OPTION...: of openssl genpkey
key() {
	local name=$1

	shift
	openssl genpkey -quiet "$@" -out "$name.pem" 2>openssl.log || { cat openssl.log && return 1; }
	openssl pkey -in "$name.pem" -pubout -out "$name.public"
}

sign() {
	openssl dgst -sha256 -sign "$1.pem" -out "$1.sig" "${2:-file}"
}

verify() {
	run "$fetch" verify --public-key "$1.public" --signature "${2:-$1.sig}" "${3:-file}"
}

@test "what openssl signed is signed, and nothing else" {
	local name

	key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	key other -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
	key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
	for name in ec rsa rsa4096; do
		sign "$name"
		verify "$name"
		expect_status 0
		expect_equal "$output" "signed: sha256 $(sha256sum file | cut -d' ' -f1)"
		seq 100001 >changed
		verify "$name" "$name.sig" changed
		expect_status 5
		expect_output "'changed': the signature is not of this content by this key"
		head -c -1 "$name.sig" >short.sig
		verify "$name" short.sig
		expect_status 5
		: >empty.sig
		verify "$name" empty.sig
		expect_status 5
	done
	verify other ec.sig
	expect_status 5
	verify rsa ec.sig
	expect_status 5
	verify ec rsa.sig
	expect_status 5
	: >empty
	sign ec empty
	verify ec ec.sig empty
	expect_status 0
}

@test "a file with several keys is no key, whoever signed" {
	local name

	key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
	openssl rsa -in rsa.pem -RSAPublicKey_out -out rsa.public 2>/dev/null
	cat ec.public rsa.public >both.public
	for name in ec rsa; do
		sign "$name"
		verify "$name"
		expect_status 0
		verify both "$name.sig"
		expect_status 2
		expect_output "'both.public': more than one key, and only one can be meant"
	done
}

@test "a signature that is no signature is refused" {
	local i

	key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
	sign ec
	sign rsa
	# Nothing behind it, no r and s of zero, no lengths that are longer than it.
	{ cat ec.sig && printf x; } >1.sig
	printf '\x30\x06\x02\x01\x00\x02\x01\x00' >2.sig
	printf '\x30\x84\xff\xff\xff\xff\x02\x01\x01' >3.sig
	printf '\x30\x06\x02\x01\x01\x02\x01\x01' >4.sig
	printf '\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00' >5.sig
	for i in {1..5}; do
		verify ec "$i.sig"
		expect_status 5
	done
	{ cat rsa.sig && printf x; } >6.sig
	head -c 256 /dev/zero >7.sig
	{ printf '\x00' && cat rsa.sig; } >8.sig
	for i in {6..8}; do
		verify rsa "$i.sig"
		expect_status 5
	done
	head -c 1025 /dev/zero >9.sig
	verify rsa 9.sig
	expect_status 4
	expect_output "larger than the limit of 1024 bytes"
	# Of another digest.
	openssl dgst -sha512 -sign rsa.pem -out rsa.sig file
	verify rsa
	expect_status 5
	openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sign rsa.pem -out rsa.sig file
	verify rsa
	expect_status 5
}

@test "a key of another kind, or too short, is no key" {
	key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
	sign p384
	verify p384
	expect_status 2
	expect_output "'p384.public': neither a key of ECDSA P-256 nor of RSA"
	key short -algorithm RSA -pkeyopt rsa_keygen_bits:1024
	sign short
	verify short
	expect_status 2
	expect_output "'short.public': an RSA key of 1024 bits, less than 2048"
	key ed -algorithm ED25519
	verify ed short.sig
	expect_status 2
	expect_output "'ed.public': "
	echo nonsense >nonsense.public
	verify nonsense short.sig
	expect_status 2
	expect_output "no public key in PEM"
	cp short.pem private.public
	verify private short.sig
	expect_status 2
	verify none short.sig
	expect_status 4
	expect_output "open 'none.public': No such file or directory"
	verify short none.sig
	expect_status 4
	run "$fetch" verify file
	expect_status 2
	expect_output "--public-key and --signature are needed"
}
