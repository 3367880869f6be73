#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that does what no server should: hostile.py PORT [PEM]

What it answers is what the path says; all but /file is wrong. PEM has the key and the certificate
for HTTPS.
"""
import socketserver
import ssl
import sys

BODY = bytes(range(256)) * 40


def answer(status, *headers, body=b""):
    head = [b"HTTP/1.1 " + status, b"Connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def part(first, last, *headers):
    body = BODY[first:last + 1]
    return answer(b"206 Partial Content", b"Content-Range: bytes %d-%d/%d" % (first, last, len(BODY)),
                  b"Content-Length: %d" % len(body), *headers, body=body)


def whole(*headers, body=BODY):
    return answer(b"200 OK", b"Content-Length: %d" % len(body), *headers, body=body)


def cut_then_parts(wanted):
    """Half of it, and then never more than 1000 bytes of what is asked for."""
    if wanted is None:
        return whole(b'ETag: "it"')[:-len(BODY) // 2]
    return part(wanted, min(wanted + 999, len(BODY) - 1), b'ETag: "it"')


def coded_with_length():
    """A file of our directory, with a length that says nothing beside the encoding."""
    with open("coded.tar.gz", "rb") as file:
        body = file.read()
    return answer(b"200 OK", b'ETag: "it"', b"Content-Length: 1000000000", b"Transfer-Encoding: chunked",
                  body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


ANSWERS = {
    "/file": lambda wanted: whole(),
    "/parts": cut_then_parts,
    "/part-unasked": lambda wanted: part(0, 99),
    "/whole-unasked": lambda wanted: part(0, len(BODY) - 1),
    "/identity": lambda wanted: answer(b"200 OK", b"Transfer-Encoding: identity", body=BODY[:100]),
    "/coded.tar.gz": lambda wanted: coded_with_length(),
    "/long-etag": lambda wanted: whole(b'ETag: "' + b"\xff" * 90000 + b'"'),
    "/to-http/info/refs": lambda wanted: answer(b"302 Found", b"Location: http://127.0.0.1:1/info/refs"),
    "/control-etag": lambda wanted: whole(b'ETag: "a\x1b[31m\x07"'),
}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1].decode().split("?")[0]
        wanted = None
        while (line := self.rfile.readline().strip()):
            name, value = line.lower().split(b":", 1)
            if name == b"range":
                wanted = int(value.split(b"=")[1].split(b"-")[0])
        self.wfile.write(ANSWERS[path](wanted))
        if isinstance(self.request, ssl.SSLSocket):
            self.request.unwrap()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
if sys.argv[2:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
