# SPDX-License-Identifier: Apache-2.0
# sshd for who we are, with a host key and authorized keys of its own: "our key" is let in,
# "stranger" is not, and "known hosts" knows the host.

# make_ssh PORT
make_ssh() {
	local host=127.0.0.1

	ssh_port=$1
	[[ $ssh_port == 22 ]] || host="[127.0.0.1]:$ssh_port"
	ssh-keygen -q -t ed25519 -N '' -f host-key
	ssh-keygen -q -t ed25519 -N '' -f "our key"
	ssh-keygen -q -t ed25519 -N '' -f stranger
	cp "our key.pub" authorized
	printf '%s %s\n' "$host" "$(<host-key.pub)" >"known hosts"
	cat >sshd.conf <<-END
		Port $ssh_port
		ListenAddress 127.0.0.1
		HostKey $dir/host-key
		AuthorizedKeysFile $dir/authorized
		StrictModes no
		PasswordAuthentication no
		UsePAM no
		PidFile none
	END
	[[ $EUID != 0 ]] || mkdir -p /run/sshd
}

# start_ssh [WORD...]: the words stand in front of the programs, such as those that enter a network.
start_ssh() {
	start sshd "$@" "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$dir/sshd.conf"
	within 10 "$@" ssh-keyscan -p "$ssh_port" 127.0.0.1
}

# At once, and with it all who are in.
stop_ssh() {
	kill -STOP "$sshd_pid"
	end_descendants "$sshd_pid"
	kill -KILL "$sshd_pid"
	wait "$sshd_pid" || true
}
