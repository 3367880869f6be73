# SPDX-License-Identifier: Apache-2.0
# nginx with the files of www/ at $base, with all that a client may meet, and at $other and $tls.

serve_web() {
	port=$(free_port)
	other=$(free_port)
	tls=$(free_port)
	base=http://127.0.0.1:$port
	mkdir www
	rate=0
	write_config
	start_nginx
}

end_web() {
	[[ -z ${nginx_pid-} ]] || kill -QUIT "$nginx_pid" 2>/dev/null || true
}

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout key.pem -out ca.pem 2>/dev/null
}

# Rate: bytes a second, 0: as fast as it goes.
write_config() {
	[[ -e key.pem ]] || certificate
	cat >nginx.conf <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log;
		events { worker_connections 64; }
		http {
			log_format asked '\$server_port \$status "\$request" range=\$http_range if=\$http_if_none_match auth=\$http_authorization key=\$http_x_key encoding=\$http_accept_encoding';
			access_log $dir/access.log asked;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			sendfile off;
			limit_rate $rate;
			output_buffers 1 16k;
			server {
				listen 127.0.0.1:$port;
				root $dir/www;
				gzip on; gzip_types *; gzip_min_length 0;
				location /hop5 { return 302 /hop4; }
				location /hop4 { return 301 /hop3; }
				location /hop3 { return 307 /hop2; }
				location /hop2 { return 308 /hop1; }
				location /hop1 { return 303 /one.txt; }
				location /hop6 { return 302 /hop5; }
				location /loop { return 302 /loop; }
				location /elsewhere { return 302 http://127.0.0.1:$other/one.txt; }
				location /secure { return 302 https://localhost:$tls/one.txt; }
				location /file { return 302 file:///etc/passwd; }
				location /busy { return 503; }
				location /zipped/ { gzip off; gzip_static always; }
				location /private/ {
					if (\$http_x_key != right) { return 401; }
				}
				location /basic/ { auth_basic it; auth_basic_user_file $dir/users; }
				location /endless { chunked_transfer_encoding off; add_header Content-Type text/plain; gzip on; gzip_http_version 1.0; proxy_http_version 1.0; proxy_pass http://127.0.0.1:$other/one.txt; }
			}
			server {
				listen 127.0.0.1:$other;
				root $dir/www;
			}
			server {
				listen 127.0.0.1:$tls ssl;
				server_name localhost;
				ssl_certificate $dir/ca.pem;
				ssl_certificate_key $dir/key.pem;
				root $dir/www;
				location /down { return 302 http://127.0.0.1:$port/one.txt; }
			}
		}
	END
}

start_nginx() {
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$other/"
}

# At once, and with it all its connections.
stop_nginx() {
	local workers

	mapfile -t workers < <(pgrep -P "$nginx_pid")
	kill -KILL "$nginx_pid" "${workers[@]}"
	wait "$nginx_pid" || true
	nginx_pid=
	within 10 eval '! (: <>"/dev/tcp/127.0.0.1/$port") && ! (: <>"/dev/tcp/127.0.0.1/$other")'
}

# What was asked for a path: asked PATH
asked() {
	grep -cF "\"GET $1 " access.log || true
}

last_asked() {
	tail -n 1 access.log
}
