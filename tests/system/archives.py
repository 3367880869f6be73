#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Archives for gs-fetch: hostile ones, broken ones, and unusual ones that are fine.

    archives.py FAMILY DIR

Writes the family's archives into DIR, and a line for each: its name, the entry that an error has to
name ("-": none), and what it has to say, with tabs between them; only the name where all is well.
"""
import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
import zipfile

MIB = 1 << 20


class Zeros:
    """So many zero bytes, without the memory."""

    def __init__(self, size):
        self.left = size

    def read(self, count):
        count = min(count, self.left)
        self.left -= count
        return bytes(count)


def tar(*members, format=tarfile.GNU_FORMAT, end=True):
    """A tar of (name, what it is) pairs: bytes, or a dict of TarInfo's attributes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, errors="surrogateescape") as t:
        for name, what in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            content = b""
            if isinstance(what, bytes):
                content = what
                info.size = len(content)
            else:
                for key, value in what.items():
                    setattr(info, key, value)
                if "size" in what:
                    content = Zeros(what["size"])
            t.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else content)
        length = t.offset
    return out.getvalue() if end else out.getvalue()[:length]


def zip_of(*members):
    """A zip of (name, bytes, unix mode) triples."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, content)
    return out.getvalue()


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def link(target):
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hard(target):
    return {"type": tarfile.LNKTYPE, "linkname": target}


FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o755}
FILE = 0o100644
LINK = 0o120777
GOOD = tar(("a", FOLDER), ("a/file", b"one\n" * 900), ("top", os.urandom(3000)))


def names():
    for name, entry, why in (
            ("/etc/absolute", "/etc/absolute", "its name is absolute"),
            ("../above", "../above", "its name has a part '..'"),
            ("a/../../above", "a/../../above", "its name has a part '..'"),
            ("a/..", "a/..", "its name has a part '..'"),
            ("..data/x", "..data/x", "a part of its name begins with '..'"),
            ("a/..gone", "a/..gone", "a part of its name begins with '..'"),
            ("d/" * 200 + "deep", "d/d/", "its name has 201 parts, more than 128"),
            ("n" * 256, "nnn", "a part of its name has 256 bytes, more than 255"),
            ("nn/" * 2000 + "long", "nn/nn/", "its name is too long")):
        short = "".join(c if c.isalnum() else "_" for c in name)[:20]
        yield short + ".tar", tar((name, b"x")), entry, why
        if len(name) < 2000:
            yield short + ".zip", zip_of((name, b"x", FILE)), entry, why
    # Its list says another name than stands in front of the file.
    listed_so = zip_of(("aaaa", b"x", FILE))
    yield "local_name.zip", listed_so.replace(b"aaaa", b"../b", 1), "../b", "its name has a part '..'"
    yield "empty_name.zip", zip_of(("", b"x", FILE)), "", "its name is empty"
    yield "dot_file.tar", tar((".", b"x")), "", "its name is '.', but it is no directory"


def links():
    def refused(target):
        return f"it is a link to '{target}', which leads out"

    for target in ("/etc/passwd", "..", "../x", "a/../../x", "a/../x", "./../x"):
        short = "".join(c if c.isalnum() else "_" for c in target)
        yield f"to{short}.tar", tar(("link", link(target))), "link", refused(target)
        yield f"to{short}.zip", zip_of(("link", target, LINK)), "link", refused(target)
    long_name = "a/" * 100 + "link"
    yield "long_name.tar", tar((long_name, link("/"))), "a/a/", "a/link': " + refused("/")
    yield "long_target.tar", tar(("link", link("../" + "x/" * 400))), "link", "x/x/', which leads out"
    yield "deep.tar", tar(("a/b/link", link("../../../x"))), "a/b/link", refused("../../../x")
    yield "empty.zip", zip_of(("link", "", LINK)), "link", "leads out"
    through = "'a' in its name is a file or link of the archive"
    yield "through.tar", tar(("d", FOLDER), ("a", link("d")), ("a/x", b"x")), "a/x", through
    yield ("through_folder.tar", tar(("d", FOLDER), ("a", link("d")), ("a/y", FOLDER)), "a/y",
           through)
    yield "over.tar", tar(("d", FOLDER), ("a", link("d")), ("a", b"x")), "a", "the archive has it twice"
    yield ("folder_over.tar", tar(("d", FOLDER), ("a", link("d")), ("a", FOLDER)), "a", through)
    yield ("link_below_link.zip",
           zip_of(("a", "d", LINK), ("d/x", b"x", FILE), ("a/x", b"y", FILE)), "a/x", through)
    for target, why in (("/etc/passwd", "its name is absolute"), ("../out", "has a part '..'"),
                        ("later", "which is no file that came before it"),
                        ("d", "which is no file that came before it"),
                        ("s", "which is no file that came before it"),
                        ("s/x", "which is no file that came before it")):
        short = "".join(c if c.isalnum() else "_" for c in target)
        yield (f"hard_{short}.tar",
               tar(("d", FOLDER), ("d/x", b"x"), ("s", link("d")), ("hard", hard(target)), ("later", b"x")),
               "hard", why)


def types():
    for name, kind, why in (("char", tarfile.CHRTYPE, "a device"), ("block", tarfile.BLKTYPE, "a device"),
                            ("pipe", tarfile.FIFOTYPE, "a pipe")):
        yield name + ".tar", tar(("ok", b"x"), (name, {"type": kind})), name, "it is " + why
    yield "socket.zip", zip_of(("socket", b"", 0o140644)), "socket", "it is a socket"
    yield "char.zip", zip_of(("char", b"", 0o020644)), "char", "it is a device"


def twice():
    again = "the archive has it twice"
    yield "file.tar", tar(("a", b"1"), ("b", b"2"), ("a", b"3")), "a", again
    yield "other_name.tar", tar(("d/a", b"1"), ("./d//a", b"3")), "./d//a", again
    yield "link.tar", tar(("a", link("b")), ("a", link("c"))), "a", again
    yield "hard.tar", tar(("a", b"1"), ("b", b"2"), ("b", hard("a"))), "b", again
    yield "hard_self.tar", tar(("a", b"1"), ("a", hard("a"))), "a", again
    yield "folder_then_file.tar", tar(("a", FOLDER), ("a", b"1")), "a", again
    yield ("file_then_folder.tar", tar(("a", b"1"), ("a", FOLDER)), "a",
           "'a' in its name is a file or link of the archive")
    yield ("below_file.tar", tar(("a", b"1"), ("a/b", b"2")), "a/b",
           "'a' in its name is a file or link of the archive")
    yield "file.zip", zip_of(("a", b"1", FILE), ("b", b"2", FILE), ("a", b"3", FILE)), "a", again
    yield ("below_file.zip", zip_of(("a", b"1", FILE), ("a/b", b"2", FILE)), "a/b",
           "'a' in its name is a file or link of the archive")


def sparse(size):
    """An old GNU sparse file: one byte at its end, all before it is a hole."""
    header = bytearray(tarfile.TarInfo("sparse").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[124:136] = b"%011o\0" % 512
    header[386:398] = b"\x80" + (size - 512).to_bytes(11, "big")
    header[398:410] = b"%011o\0" % 512
    header[483:495] = b"\x80" + size.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(512) + bytes(1024)


def holes(count):
    """A GNU sparse file of version 1.0, with so many entries in its map."""
    content = b"%d\n" % count + b"0\n0\n" * count
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        info = tarfile.TarInfo("holes")
        info.size = len(content)
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                            "GNU.sparse.name": "holes", "GNU.sparse.realsize": "1"}
        t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def listed(count):
    """A zip whose list has so many entries, all of them the same one."""
    one = zip_of(("a", b"", FILE))
    begin, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    entries = b"".join(one[begin:end - 1] + b"%c" % (n % 256) for n in range(count))
    last = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(entries), begin)
    last += struct.pack("<4sIQI", b"PK\x06\x07", 0, begin + len(entries), 1)
    last += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    return one[:begin] + entries + last


def lists():
    why = "reading it would take too much memory"
    yield "map.tar", holes(8000000), "", why
    yield "list.zip", listed(700000), "", why


def bombs():
    ratio = "the archive unpacks to more than 200 times its size"
    zeros = tar(("zeros", {"size": 300 * MIB}))
    yield "zeros.tar.gz", gzip.compress(zeros, 9), "zeros", ratio
    yield "zeros.tar.zst", zstd(zeros), "zeros", ratio
    yield "zeros.zip", zip_of(("zeros", bytes(300 * MIB), FILE)), "zeros", ratio
    yield "hole.tar", sparse(1 << 40), "sparse", "the archive unpacks to more than 17179869184 bytes"
    yield "small_hole.tar", sparse(1 << 30), "sparse", ratio
    copies = [("a", os.urandom(MIB))] + [(f"b{n}", hard("a")) for n in range(400)]
    yield "hard_links.tar.gz", gzip.compress(tar(*copies)), "b", ratio
    folders = [("a", FOLDER)] * 200000
    yield "one_folder.tar.gz", gzip.compress(tar(*folders), 9), "", ratio
    packed = gzip.compress(tar(("a", b"x"))[:-9000] + bytes(300 * MIB), 9)
    yield "long_end.tar.gz", packed, "", ratio
    yield "no_tar.gz", gzip.compress(bytes([7]) * 300 * MIB, 9), "", "it is no tar, tar.gz, tar.zst or zip"
    yield "twice_packed.tar.gz", gzip.compress(gzip.compress(GOOD)), "", "it is no tar"


def damaged():
    packed = bytearray(gzip.compress(GOOD))
    packed[-6] ^= 1
    yield "crc.tar.gz", bytes(packed), "", "it is damaged: gzip: incorrect data check"
    packed = bytearray(gzip.compress(GOOD))
    packed[-2] ^= 1
    yield "length.tar.gz", bytes(packed), "", "it is damaged: gzip: incorrect length check"
    yield "garbage.tar.gz", gzip.compress(GOOD) + b"garbage", "", "something that is not gzip follows"
    packed = bytearray(zstd(GOOD, "--check"))
    packed[-2] ^= 1
    yield "checksum.tar.zst", bytes(packed), "", "it is damaged: zstd"
    yield "garbage.tar.zst", zstd(GOOD) + b"garbage", "", "it is damaged: zstd"
    header = bytearray(GOOD)
    header[3] ^= 1
    yield "header.tar", bytes(header), "", "it is no tar"
    header = bytearray(GOOD)
    header[512 + 3] ^= 1
    yield "second_header.tar", bytes(header), "", "it is damaged"
    whole = zip_of(("first", b"1" * 5000, FILE), ("crc", os.urandom(500), FILE))
    broken = bytearray(whole)
    broken[whole.index(b"crc") + 100] ^= 1
    yield "crc.zip", bytes(broken), "crc", "it is damaged"
    encrypted = bytearray(zip_of(("secret", b"x" * 50, FILE)))
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    yield "encrypted.zip", bytes(encrypted), "secret", "it is encrypted"
    for size in ("-1", "9223372036854775807", "18446744073709551615"):
        content = tar(("size", {"pax_headers": {"size": size}}), format=tarfile.PAX_FORMAT)
        yield f"size_{size}.tar", content, "", "it is damaged: "
    yield "nothing.tar", b"", "", "it is no tar, tar.gz, tar.zst or zip"
    yield "text.tar", b"this is no archive\n" * 100, "", "it is no tar, tar.gz, tar.zst or zip"
    yield "no_end.tar", tar(("a", b"x"), end=False), "", "it is cut: its end is missing"
    yield ("window.tar.zst", zstd(GOOD * 2000, "--long=28"), "",
           "unpacking would take more than 8 MiB of memory; pack it without --ultra and --long")


def cut():
    """Each after every sixteenth of its length, the larger ones of several pieces."""
    for size in 700, 7000:
        yield from cut_of(size)


def cut_of(size):
    several = tar(*((f"d{n}/f{n}", os.urandom(size * n)) for n in range(1, 17)))
    for name, whole in ((f"{size}.tar", several), (f"{size}.tar.gz", gzip.compress(several)),
                        (f"{size}.tar.zst", zstd(several)),
                        (f"{size}.zip", zip_of(*((f"d{n}/f{n}", os.urandom(size * n), FILE) for n in range(1, 17))))):
        end = several.rindex(b"f16") // 512 * 512 + 512 + size * 16
        length = end if name == f"{size}.tar" else len(whole)
        for n in range(16):
            yield f"{n}_{name}", whole[:length * n // 16], "", "it is "
        yield f"one_{name}", whole[:length - 1], "", "it is "


def many():
    """More entries than 1000, to be refused by a limit that is set to that."""
    why = "the archive has more than 1000 files, directories and links"
    yield "files.tar.gz", gzip.compress(tar(*((f"f{n}", b"") for n in range(1500)))), "f1000", why
    yield "folders.tar.gz", gzip.compress(tar(*((f"f{n}", FOLDER) for n in range(1500)))), "f1000", why
    yield ("implied.tar.gz", gzip.compress(tar(*((f"{n}/" + "d/" * 99 + "f", b"") for n in range(20)))),
           "9/d/d", why)
    yield "links.tar.gz", gzip.compress(tar(*((f"f{n}", link("x")) for n in range(1500)))), "f1000", why
    yield ("hard.tar.gz", gzip.compress(tar(("a", b""), *((f"f{n}", hard("a")) for n in range(1500)))),
           "f999", why)
    yield "files.zip", zip_of(*((f"f{n}", b"", FILE) for n in range(1500))), "f1000", why


def zip64():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        with z.open(zipfile.ZipInfo("a/file"), "w", force_zip64=True) as f:
            f.write(b"one\n" * 900)
    return out.getvalue()


def fine():
    """All of these hold a/file with 900 lines "one"."""
    file = ("a/file", b"one\n" * 900)
    long_name = "/".join(["n" * 200] * 10)
    yield "gnu_long.tar", tar(file, (long_name, b"x"))
    yield "pax_long.tar", tar(file, (long_name, b"x"), format=tarfile.PAX_FORMAT)
    yield "pax_times.tar", tar(file, ("later", {"mtime": 1234567890.25}), format=tarfile.PAX_FORMAT)
    yield "ustar.tar", tar(file, format=tarfile.USTAR_FORMAT)
    half = len(GOOD) // 2
    yield "members.tar.gz", gzip.compress(GOOD[:half]) + gzip.compress(b"") + gzip.compress(GOOD[half:])
    yield "padded.tar.gz", gzip.compress(GOOD) + bytes(4096)
    yield "frames.tar.zst", zstd(GOOD[:half]) + zstd(b"") + zstd(GOOD[half:])
    yield "skippable.tar.zst", b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstd(GOOD)
    yield "best.tar.zst", zstd(GOOD, "-19")
    yield "in_line.tar", tar(file) + tar(("b", b"x"))
    yield "not_its_ending.zip", gzip.compress(GOOD)
    yield "dots.tar", tar((".", FOLDER), ("./a", FOLDER), ("./a/./file", file[1]), ("./a", FOLDER))
    yield "zip64.zip", zip64()
    yield "link.tar", tar(file, ("a/up", link("../a/file")), ("b", link("a")), ("c", hard("a/file")))
    yield "link.zip", zip_of(("a/file", file[1], FILE), ("a/up", "../a/file", LINK))
    odd = ["new\nline", "tab\t", "\udcff\udcfe", "\u00e4\u4e2d", "\x1b[31m", " ", "back\\slash", "-rf"]
    for format, name in ((tarfile.GNU_FORMAT, "gnu"), (tarfile.PAX_FORMAT, "pax")):
        yield f"odd_names_{name}.tar", tar(file, *((n, b"x") for n in odd), format=format)
    yield "odd_names.zip", zip_of(("a/file", file[1], FILE), *((n, b"x", FILE) for n in odd if "\udcff" not in n))


FAMILIES = {f.__name__: f for f in (names, links, types, twice, bombs, lists, damaged, cut, many, fine)}
LATE = "names", "links", "types", "twice"


def late(archives):
    """Also those that are packed and have so much in front that they are planted by a thread."""
    front = tar(("front", bytes(MIB)), end=False)
    for name, content, *expected in archives:
        yield name, content, *expected
        if name.endswith(".tar"):
            yield "late_" + name + ".zst", zstd(front + content), *expected
            yield "late_" + name + ".gz", gzip.compress(front + content), *expected


def main():
    family, folder = sys.argv[1:]
    archives = FAMILIES[family]()
    for name, content, *expected in late(archives) if family in LATE else archives:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
        print("\t".join([name, *(field or "-" for field in expected)]))


main()
