#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""summary.py STEPS BUILD...: what all the suites say, and one last line.

STEPS has a line "PASS|FAIL|SKIP <tab> name [<tab> where to look]" for each
step that is a check by itself. In every BUILD folder automake's *.trs files
and pytest's *.xml are read. Ends with 1 when anything failed, or when a suite
left nothing to count.
"""
import os
import sys
import xml.etree.ElementTree

KINDS = {"PASS": "passed", "XFAIL": "passed", "FAIL": "failed",
         "XPASS": "failed", "ERROR": "failed", "SKIP": "skipped"}


def of_steps(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, name, *where = line.rstrip("\n").split("\t")
            yield KINDS[kind], name, " ".join(where)


def last_line(path):
    """The reason that a script gave for not running."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    except OSError:
        return ""
    lines = [line for line in lines if not line.startswith("SKIP ")]
    return lines[-1] if lines else ""


def of_trs(path, suite):
    log = path[:-len("trs")] + "log"
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.startswith(":test-result:"):
                continue
            kind, _, rest = line.split(":", 2)[2].strip().partition(" ")
            yield (KINDS[kind], " ".join((suite, rest)).strip(),
                   "see " + log if KINDS[kind] == "failed" else
                   last_line(log))


def of_xml(path):
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = "%s.%s" % (case.get("classname"), case.get("name"))
        kind, why = "passed", ""
        for tag, says in (("failure", "failed"), ("error", "failed"),
                          ("skipped", "skipped")):
            found = case.find(tag)
            if found is not None:
                kind = says
                why = (found.get("message") or "").split("\n")[0]
                break
        yield kind, name, why


def of_build(top):
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".trs"):
                yield from of_trs(path, "%s: %s" % (
                    os.path.basename(top), os.path.relpath(path, top)[:-4]))
            elif name.endswith(".xml"):
                yield from of_xml(path)


def main(argv):
    total = dict.fromkeys(("passed", "failed", "skipped"), 0)
    results = list(of_steps(argv[1]))
    for build in argv[2:]:
        found = list(of_build(build))
        if not found:
            found = [("failed", build, "no results here")]
        results += found
    for kind, name, why in results:
        total[kind] += 1
        if kind != "passed":
            print("%s: %s%s" % (kind, name, ": " + why if why else ""))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
