#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""README.md shows what the programs really print: every command after "$ "
in it is run, in one empty folder, and its standard output compared."""
import difflib
import os
import subprocess
import sys
import tempfile


def samples(lines):
    """(line number, command, output) of each; "\\" goes on in the next."""
    number = 0
    while number < len(lines):
        if not lines[number].startswith("    $ "):
            number += 1
            continue
        first, command = number + 1, lines[number][6:]
        while command.endswith("\\"):
            number += 1
            command = command[:-1] + lines[number].strip()
        number += 1
        output = []
        while number < len(lines) and lines[number][:4] in ("    ", "") and \
                not lines[number].startswith("    $ "):
            output.append(lines[number][4:])
            number += 1
        while output and output[-1] == "":
            output.pop()
        yield first, command, output


def run(command, folder, programs):
    environment = dict(os.environ, LC_ALL="C.UTF-8",
                       PATH=programs + ":" + os.environ["PATH"])
    done = subprocess.run(["sh", "-c", command], cwd=folder, text=True,
                          env=environment, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        return [done.stderr.strip(), "ends with %d" % done.returncode]
    return [line.rstrip() for line in done.stdout.rstrip("\n").split("\n")
            if done.stdout]


def main():
    top = os.environ.get("top_srcdir", ".")
    programs = os.path.abspath(os.path.join(
        os.environ.get("top_builddir", top), "src"))
    with open(os.path.join(top, "README.md"), encoding="utf-8") as file:
        found = list(samples(file.read().split("\n")))
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, command, wanted in found:
            got = run(command, folder, programs)
            if got == wanted:
                continue
            bad += 1
            print("README.md:%d: %s prints something else now:" %
                  (number, command))
            print("\n".join(difflib.unified_diff(
                wanted, got, "README.md", "now", lineterm="")))
    print("%d commands, %d of them print something else" % (len(found), bad))
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(main())
