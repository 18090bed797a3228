#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""README.md and CONTRIBUTING.md name only what is there: files that they
link to or write as `folder/name`, commands of ringtally, targets of make,
uses of quickstart, options of configure."""
import glob
import os
import re
import sys

PAGES = ("README.md", "CONTRIBUTING.md")
FOLDERS = ("etc", "man", "m4", "sql", "src", "tests", "www")


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read()


class Known:
    """What the tree offers."""

    def __init__(self, top):
        self.top = top
        make = read(top, "Makefile.am")
        self.targets = set(re.findall(r"^([a-z][a-z-]*):", make, re.M)) | {
            "all", "check", "clean", "dist", "distcheck", "install",
            "uninstall"}
        self.uses = set(re.findall(r"^1:(\w+)", read(top, "quickstart"),
                                   re.M))
        self.options = set(re.findall(
            r"AC_ARG_ENABLE\(\[(\w+)\]", read(top, "configure.ac")))
        self.commands = set()
        cli = os.path.join(top, "src", "cli")
        for name in sorted(os.listdir(cli)):
            if name.endswith(".c"):
                self.commands |= set(re.findall(
                    r"const struct command command_(\w+) = \{",
                    read(cli, name)))

    def path(self, path):
        if "NAME" in path:  # any of its kind, or the folder where it goes
            path = os.path.dirname(path)
        return any(glob.glob(os.path.join(self.top, path + end))
                   for end in ("", ".in"))


def wrong_in(line, code, known):
    """Yields what the line names that is not there. code: a code block."""
    for path in re.findall(r"\]\(([^)#:]+)\)", line):
        if not known.path(path):
            yield "no file " + path
    for path in re.findall(r"`((?:%s)/[\w./*-]*)`" % "|".join(FOLDERS),
                           line):
        if not known.path(path):
            yield "no file " + path
    spans = [line] if code else re.findall(r"`([^`]+)`", line)
    for span in spans:
        for name in re.findall(r"(?:^|[|$;] *|/)ringtally +([a-z]+)\b", span):
            if name not in known.commands:
                yield "no command ringtally " + name
        for name in re.findall(r"(?:^|&& )make +([a-z][a-z-]*)", span):
            if name not in known.targets:
                yield "no target make " + name
        for name in re.findall(r"\./quickstart +([a-z]+)", span):
            if name not in known.uses:
                yield "no use ./quickstart " + name
        for name in re.findall(r"--enable-(\w+)", span):
            if name not in known.options:
                yield "no option --enable-" + name


def main():
    top = os.environ.get("top_srcdir", ".")
    known = Known(top)
    bad = seen = 0
    for page in PAGES:
        code = False
        for number, line in enumerate(read(top, page).split("\n"), 1):
            if line.startswith("```"):
                code = not code
                continue
            seen += 1
            for what in wrong_in(line, code, known):
                print("%s:%d: %s" % (page, number, what))
                bad += 1
    print("%d lines, %d of what they name is missing" % (seen, bad))
    return 1 if bad or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
