#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Game data of so many bytes: three tenths in packs that do not compress, three in tables that do by
# half, and the rest in thousands of files of 1 to 64 KiB, half of them so, half of them so.
#
#   fetch_tree.py FOLDER BYTES
import array
import os
import sys

top, total = sys.argv[1], int(sys.argv[2])
words = [os.urandom(3).hex().encode() + b" " for _ in range(65536)]


def text(size):
    numbers = array.array("H", os.urandom(2 * (size // 7 + 1)))
    return b"".join(map(words.__getitem__, numbers))[:size]


def write(name, size, make):
    path = os.path.join(top, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        for begin in range(0, size, 1 << 22):
            file.write(make(min(size - begin, 1 << 22)))


large = total // 10
for i in range(3):
    write(f"large/{i}.pak", large, os.urandom)
    write(f"large/{i}.txt", large, text)
left, count = total - 6 * large, 0
while left > 0:
    size = min(left, 1024 << count % 7)
    write(f"small/{count // 250}/{count}.dat", size, (os.urandom, text)[count % 2])
    left -= size
    count += 1
