# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A private apt, for tools/libs.sh and tools/debian-files.sh, which source this: the machine's mirrors,
# keys, proxy and logins, but lists and caches of its own. The machine's configuration is read, never
# changed.

# Both rewriters give what the machine has for packages, as sources of the type $1: deb, for the
# architectures of the private apt, or deb-src. They keep Debian's own suites ($2) and its main: another
# vendor's repository must not replace a package by offering the same name.

# One-line sources ("deb [options] URI suite component...").
apt_lines() {
	awk -v type="$1" -v suites="$2" '
		$1 == "deb" {
			options = ""
			sub(/^[ \t]*deb[ \t]+/, "")
			if (match($0, /^\[[^]]*\]/)) {
				options = substr($0, 2, RLENGTH - 2)
				$0 = substr($0, RLENGTH + 1)
				gsub(/arch[+-]?=[^ \t]*/, "", options)
			}
			if (index(suites, " " $2 " ") && / main( |$)/)
				printf "%s %s %s %s main\n", type, options ~ /=/ ? "[" options "]" : "", $1, $2
		}'
}

# deb822 stanzas.
apt_stanzas() {
	awk -v type="$1" -v suites="$2" '
		function flush() {
			if (binary && main && kept != "")
				printf "Types: %s\nSuites:%s\nComponents: main\n%s\n", type, kept, rest
			binary = main = kept = rest = ""
		}
		/^[ \t]*$/ { flush(); next }
		/^#/ { next }
		/^[^ \t]/ { field = tolower($0); sub(/:.*/, "", field) }
		field == "types" { if (/[: \t]deb([ \t]|$)/) binary = 1; next }
		field == "suites" {
			sub(/^[^:]*:/, "")
			for (i = 1; i <= NF; i++)
				if (index(suites, " " $i " "))
					kept = kept " " $i
			next
		}
		field == "components" { if (/[: \t]main([ \t]|$)/) main = 1; next }
		field == "architectures" { next }
		{ rest = rest $0 "\n" }
		END { flush() }'
}

# What the suites are called does not say whose they are: of packages apt itself looks at that.
apt_preferences() {
	cat <<-END
		Package: *
		Pin: release o=Debian,n=/^$1(-updates|-security)?\$/
		Pin-Priority: 990

		Package: *
		Pin: release o=*
		Pin-Priority: -1
	END
}

# Read after the machine's own configuration, so proxies and the like stay in force; its hooks are for
# the system's lists. The sandbox user could not write below a private directory.
apt_configuration() {
	cat <<-END
		#clear APT::Update;
		#clear APT::Architectures;
		APT::Architectures { "amd64"; "arm64"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$1/sources";
		Dir::Etc::preferences "$1/preferences";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$1/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$1/cache";
	END
}

# private_apt TYPE DIR: makes it, with the newest lists; `apt-get -c DIR/apt.conf` uses it. Who sources
# this has a die().
private_apt() {
	local type=$1 dir=$2 codename suites list='' parts=''

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	suites=" $codename $codename-updates $codename-security "
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	rm -rf "$dir"
	mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/cache/archives/partial"
	[[ -e $list ]] || list=/dev/null
	shopt -s nullglob
	cat "$list" "$parts"/*.list | apt_lines "$type" "$suites" >"$dir/sources/debian.list"
	# A blank line after each file, or the last stanza of one would run into the next.
	sed -s "\$G" /dev/null "$parts"/*.sources | apt_stanzas "$type" "$suites" >"$dir/sources/debian.sources"
	[[ -s $dir/sources/debian.list || -s $dir/sources/debian.sources ]] ||
		die "apt on this machine knows no mirror of Debian ${codename:-?}"
	apt_preferences "$codename" >"$dir/preferences"
	apt_configuration "$dir" >"$dir/apt.conf"
	apt-get -c "$dir/apt.conf" -q update
}
