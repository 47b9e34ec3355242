#!/usr/bin/env python3
"""Whether two builds of the same sources gave the same image: each layer byte for byte, with the
times in it, and the settings; where not, which files differ.

    tests/fly/reproduced.py build/fly build/fly_again     as tests/fly/build_image.sh left them

The id of an image tells nothing here: it also stands for the numbers of the build's containers.
"""

import hashlib
import json
import os
import pathlib
import stat
import sys


def content(work):
    """(the layers' checksums, the settings)"""
    image = json.loads((work / "config.json").read_text())
    return image["OCIv1"]["rootfs"]["diff_ids"], image["OCIv1"]["config"]


def described(path):
    """Kind, rights, owner, and what a link leads to or the checksum of what a file holds."""
    info = path.lstat()
    what = ""
    if stat.S_ISLNK(info.st_mode):
        what = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        what = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid} {what}"


def files(root):
    """Without what a boot test leaves at the top."""
    return {str(path.relative_to(root)): described(path) for path in root.rglob("*")
            if path.relative_to(root).parts[0] not in ("test", "old")}


def main(words):
    if len(words) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    first, second = map(pathlib.Path, words)
    one, other = content(first), content(second)
    if one == other:
        print(f"the same image: {len(one[0])} layers and the settings")
        return 0
    print("not the same image:", file=sys.stderr)
    if one[1] != other[1]:
        print(f"  the settings: {one[1]}\n  and {other[1]}", file=sys.stderr)
    old, new = files(first / "rootfs"), files(second / "rootfs")
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    for name in differing:
        print(f"  {name}: {old.get(name)}\n    {new.get(name)}", file=sys.stderr)
    if not differing and one[0] != other[0]:
        print("  the files are the same; the times in a layer are not", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
