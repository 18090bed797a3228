#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No function is over 120 lines; the median and the share of static ones are
told. A longer one needs a reason: a comment that says "Long:" within it."""
import os
import subprocess
import sys

LONGEST = 120
WORTH_A_LOOK = 60


def functions(top):
    """(lines, is it static, path, first line, name) of each in src/."""
    out = subprocess.run(
        ["ctags", "-x", "--languages=C", "--kinds-C=f", "--extras=+F-r",
         "--_xformat=%{end}\t%n\t%F\t%N", "-R", "src"],
        cwd=top, check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        end, start, path, name = line.split("\t")
        if end.isdigit() and int(end) > int(start):
            yield (int(end) - int(start) + 1,
                   is_static(top, path, int(start)), path, int(start), name)


def source(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read().split("\n")


def is_static(top, path, start):
    """The return type stands on the line before the name."""
    return any(line.startswith("static")
               for line in source(top, path)[start - 2:start])


def is_excused(top, path, start, lines):
    return any("Long:" in line
               for line in source(top, path)[start - 1:start - 1 + lines])


def main():
    top = os.environ.get("top_srcdir", ".")
    try:
        version = subprocess.run(["ctags", "--version"], text=True,
                                 capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        version = ""
    if "Universal" not in version:
        print("no Universal Ctags: install universal-ctags")
        return 77
    found = sorted(functions(top))
    if not found:
        print("no functions in src/")
        return 1
    bad = 0
    for lines, _, path, start, name in found:
        if lines > LONGEST and not is_excused(top, path, start, lines):
            print("%s:%d: %s() has %d lines: split it, at %d at the latest" %
                  (path, start, name, lines, LONGEST))
            bad += 1
        elif lines > WORTH_A_LOOK:
            print("%s:%d: %s() has %d lines: worth a look" %
                  (path, start, name, lines))
    print("%d functions, median %d lines, %d over %d, %d %% static" % (
        len(found), found[len(found) // 2][0],
        sum(lines > WORTH_A_LOOK for lines, *_ in found), WORTH_A_LOOK,
        100 * sum(static for _, static, *_ in found) // len(found)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
