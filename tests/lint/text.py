#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What every text file of ours keeps to: a licence line, no paths of one
machine, no left-overs, no file over 1,000 lines, no spaces at line ends. And
every scenario stands in Makefile.am or tests/data.am, to be in a release."""
import os
import re
import sys

FOLDERS = (".ci", "etc", "m4", "man", "sql", "src", "tests", "www")
FILES = ("CONTRIBUTING.md", "Makefile.am", "NEWS", "README.md",
         "configure.ac", "quickstart", "www.am")
SKIP = re.compile(r"(^|/)(\.deps|__pycache__|corpus|found|node_modules|pictures|"
                  r"samples|build[^/]*)(/|$)|\.(o|a|log|trs|xml|pyc|gz|json|in~|swp)$")
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
LICENSED = re.compile(r"\.(c|h|def|py|sh|sql|m4|ac|am|tap|m?js|css|[1-8])$")
LONGEST = 1000
# a manual page is one page
LONGEST_PAGE = 3000

# what -> what to do about it
WORDS = (
    (re.compile(r"/(work|farm|root|home/[a-z]+)/"),
     "a path of one machine: write it without"),
    (re.compile(r"\b(FIXME|XXX|HACK)\b(?!X)"),
     "finish it, or say TODO and what it waits for"),
    (re.compile(r"\bTODO\b(?!:? until | \(until )"),
     "a TODO says what it waits for: TODO until ..."),
    (re.compile(r"[ \t]+$"), "no spaces at the end of a line"),
    (re.compile(r"\b(assert True|assert_true\(1\))"),
     "a test that can not fail"),
)
THIS = "tests/lint/text.py"


def ours(top):
    for folder in FOLDERS:
        for where, _, names in sorted(os.walk(os.path.join(top, folder))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(where, name), top)
                if not SKIP.search(path):
                    yield path
    for name in FILES:
        if os.path.exists(os.path.join(top, name)):
            yield name


def check(path, text):
    """Yields (line number, what to do)."""
    lines = text.split("\n")
    script = text.startswith("#!")
    if (script or LICENSED.search(path)) and \
            not any(LICENCE in line for line in lines[:3]):
        yield 1, "a line with " + LICENCE
    longest = LONGEST_PAGE if path.startswith("man/") else LONGEST
    if len(lines) > longest + 1:
        yield longest, "%d lines: split it, at %d at the latest" % (
            len(lines) - 1, longest)
    if path == THIS:
        return
    for number, line in enumerate(lines, 1):
        for pattern, what in WORDS:
            if pattern.search(line):
                yield number, what


def main():
    top = os.environ.get("top_srcdir", ".")
    listed = set()
    for lists in ("Makefile.am", "tests/data.am"):
        with open(os.path.join(top, lists), encoding="utf-8") as file:
            listed.update(file.read().split())
    seen = bad = 0
    for path in ours(top):
        with open(os.path.join(top, path), "rb") as file:
            data = file.read()
        if b"\0" in data or data.startswith(b"\x7fELF"):
            continue
        seen += 1
        if path.endswith(".scn") and path not in listed:
            print("%s:1: name it in Makefile.am" % path)
            bad += 1
        for number, what in check(path, data.decode("utf-8", "replace")):
            print("%s:%d: %s" % (path, number, what))
            bad += 1
    print("%d files, %d complaints" % (seen, bad))
    return 1 if bad or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
