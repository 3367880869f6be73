# SPDX-License-Identifier: Apache-2.0
# nginx behind a certificate for "localhost" of an authority that nobody knows.

make_certificates() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj '/CN=Test CA' -keyout ca.key -out ca.pem 2>openssl.log
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=game' \
		-keyout game.key -out game.csr 2>>openssl.log
	openssl x509 -req -in game.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=DNS:localhost) -out game.pem 2>>openssl.log
}

# start_https LOCATIONS: at $port, with the authority's certificate in ca.pem and requests in access.log.
start_https() {
	make_certificates
	port=$(free_port)
	cat >nginx.conf <<-END
		daemon off;
		pid $dir/nginx.pid;
		error_log stderr;
		worker_processes 1;
		user root;
		events {}
		http {
		  access_log $dir/access.log;
		  server {
		    listen 127.0.0.1:$port ssl;
		    ssl_certificate $dir/game.pem;
		    ssl_certificate_key $dir/game.key;
		    $1
		  }
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s -o /dev/null --cacert ca.pem "https://localhost:$port/"
}
