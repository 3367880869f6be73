#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A game server as far as a query sees it, that answers as its mode says, well or badly.

    game.py MODE [PLAYERS MOST BOTS]

Says "port N", then a line for each request. Written from Valve's page about server queries.
"""
import socket
import struct
import sys
import time

HEAD = b"\xff\xff\xff\xff"
REQUEST = HEAD + b"TSource Engine Query\0"
mode, counts = sys.argv[1], [int(word) for word in sys.argv[2:]] or [0, 20, 0]


def info(kind=b"I", protocol=17):
    """A dedicated server on Linux, with its port and its number on Steam behind the version."""
    texts = b"A server\0map\0folder\0game\0"
    start = HEAD + kind + bytes([protocol]) + texts + struct.pack("<h", 440)
    return start + bytes(counts) + b"dl\0\1" + b"1.0\0" + b"\x90" + struct.pack("<hQ", 27015, 1)


def obsolete():
    """As GoldSource answered before 2008, with the part about its module."""
    texts = b"127.0.0.1:27015\0A server\0map\0folder\0game\0"
    module = b"\1http://a\0http://b\0\0" + struct.pack("<ii", 1, 1) + b"\0\1"
    return HEAD + b"m" + texts + bytes(counts[:2]) + b"\x2fdl\0" + module + b"\1" + bytes(counts[2:])


def quake3():
    """That many players, the last of them bots."""
    lines = [b'%d %d "player"\n' % (i, 48 if i < counts[0] - counts[2] else 0) for i in range(counts[0])]
    return HEAD + b"statusResponse\n\\mapname\\q3dm17\n" + b"".join(lines)


def challenged(request, number):
    """Twice: the first challenge is refused."""
    wanted = {"challenge": b"abc\0", "two-challenges": b"defg" if number > 2 else None}.get(mode)
    if request == REQUEST + (wanted or b""):
        return info()
    return HEAD + b"A" + (b"abc\0" if number == 1 else wanted or b"defg")


answers = {
    "a2s": lambda request, number: info() if request == REQUEST else None,
    "goldsource": lambda *_: info(protocol=48),
    "obsolete": lambda *_: obsolete(),
    "challenge": challenged,
    "two-challenges": challenged,
    "changing": lambda _, number: HEAD + b"A" + struct.pack("<i", number),
    "lossy": lambda _, number: info() if number == 2 else None,
    "parts": lambda *_: b"\xfe\xff\xff\xff" + struct.pack("<iBBh", 1, 2, 0, 1248) + info(),
    "cut": lambda *_: info()[:-16],
    "other-type": lambda *_: info(b"D"),
    "garbage": lambda *_: b"%PDF-1.4 and 0 players\n" * 20,
    "empty": lambda *_: b"",
    "quake3": lambda request, _: quake3() if request == HEAD + b"getstatus" else None,
    "quake3-cut": lambda *_: quake3()[:-3],
}


def say_line(text):
    """At once and in one piece, however Python has been told to write."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def serve_datagrams():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    say_line(f"port {s.getsockname()[1]}")
    number = 0
    while True:
        request, sender = s.recvfrom(65535)
        number += 1
        say_line(f"request {number}")
        answer = answers[mode](request, number)
        if answer is not None:
            s.sendto(answer, sender)


def drip(c):
    """For ever one more byte of a status that would be whole after an hour."""
    for byte in b"\x80\x20\x00\xfd\x1f" + b" " * 4000:
        c.send(bytes([byte]))
        time.sleep(0.05)


def flood(c):
    c.send(b"\xff\xff\x0f\x00")
    while True:
        c.send(b"0" * 65536)


def say(answer):
    return lambda c: c.send(answer)


streams = {
    "drip": drip,
    "flood": flood,
    "http": say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" * 3),
    "hang-up": say(b""),
    "half": say(b"\x20\x00\x1e{\"players\":{"),
    # As servers before 1.7 answer: a kick.
    "legacy": say(b"\xff\0\x15" + "\xa71\x00127\x001.6.4\x00A\x000\x0020".encode("utf-16-be")),
}


def serve_streams():
    s = socket.create_server(("127.0.0.1", 0))
    say_line(f"port {s.getsockname()[1]}")
    while True:
        c, _ = s.accept()
        c.recv(1000)
        say_line("request")
        try:
            streams[mode](c)
        except ConnectionError:
            pass
        c.close()


if mode in streams:
    serve_streams()
else:
    serve_datagrams()
