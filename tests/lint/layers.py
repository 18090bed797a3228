#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lower layers never include higher ones, and each library has its place."""
import os
import re
import sys

LAYERS = {
    "base": 0,
    "io": 1, "event": 1,
    "feed": 2, "format": 2,
    "call": 3, "tally": 3, "sim": 3,
    "store": 4, "serve": 4,
    "": 5,  # src/*.c: conf, app, daemon, main
    "cli": 6,
}
# Same layer, but not each other: a transport knows no format.
APART = [{"feed", "format"}, {"store", "serve"}, {"io", "event"}]

# header -> the files that may include it
PLACES = [
    (r"libpq-fe\.h|libpq/|postgres_ext\.h", r"store/"),
    (r"libconfig\.h", r"conf[^/]*\.c$"),
    (r"event2/|event\.h", r"io/|serve/http[^/]*$"),
    (r"openssl/", r"io/(tls|stream)\.c$|base/md5\.c$"),
    (r"expat", r"format/"),
    (r"sodium", r"base/|store/|call/caller\.c$|caller_key\.c$|serve/auth\.c$"),
    (r"unicode/", r"base/local\.c$"),
    # threads: the loop must wait neither for a disk's fdatasync nor for names
    (r"pthread\.h", r"feed/spool_sync\.c$|io/resolve\.c$"),
]

# Neither sockets, files nor clocks: the same bytes give the same figures.
PURE = ("format", "call", "tally", "sim")
IMPURE_HEADERS = re.compile(
    r"sys/(socket|un|epoll|inotify|timerfd|select|stat|mman|time)\.h"
    r"|netinet/|arpa/|netdb\.h|poll\.h|fcntl\.h|pthread\.h|signal\.h")
IMPURE_CALLS = re.compile(
    r"\b(clock_wall_us|clock_mono_us|clock_gettime|gettimeofday|socket"
    r"|connect|accept|open|openat|fopen|read|write|sleep|usleep|nanosleep"
    r"|getenv|random|rand|arc4random|getrandom)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def strip_comments(text):
    """Comments and strings blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text,
                  flags=re.S)


def check_include(path, layer, quote, header):
    name = header.split("/")[0] if "/" in header else ""
    if quote == '"' and header != "config.h":
        if "/" in header and name not in LAYERS:
            return "unknown folder %s/: give it a layer in this lint" % name
        if header.startswith("../"):
            return "include by the path below src/"
        if LAYERS[name] > LAYERS[layer]:
            return "%s/ (layer %d) may not include %s (layer %d)" % (
                layer, LAYERS[layer], header, LAYERS[name])
        for pair in APART:
            if name != layer and {name, layer} == pair and name != "event":
                return "%s/ and %s/ know nothing of each other" % (
                    layer, name)
        return None
    for pattern, place in PLACES:
        if re.match(pattern, header) and not re.match(place, path):
            return "<%s> is for %s only" % (header, place.replace("|", ", "))
    if layer in PURE and IMPURE_HEADERS.match(header):
        return "%s/ is pure: no <%s>" % (layer, header)
    return None


def check_file(top, path):
    """Yields (line number, what to do)."""
    layer = path.split("/")[0] if "/" in path else ""
    with open(os.path.join(top, path), encoding="utf-8") as file:
        text = file.read()
    if layer not in LAYERS:
        yield 1, "unknown folder %s/: give it a layer in this lint" % layer
        return
    first = path.endswith(".c")
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            if first and match.group(2) != "base/base.h":
                yield number, "include base/base.h before all else"
            first = False
            wrong = check_include(path, layer, *match.groups())
            if wrong:
                yield number, wrong
    if path.endswith(".c"):
        first = next((m for m in map(INCLUDE.match, text.split("\n")) if m),
                     None)
        if first is None or first.group(2).split("/")[0] in ("", "sys"):
            yield 1, "include our own headers first, base/base.h or one " \
                "that brings it"
    if layer in PURE:
        for number, line in enumerate(strip_comments(text).split("\n"), 1):
            match = IMPURE_CALLS.search(line)
            if match and not re.search(r"[>.]\s*" + match.group(1), line):
                yield number, "%s/ is pure: no %s()" % (layer, match.group(1))


def main():
    top = os.path.join(os.environ.get("top_srcdir", "."), "src")
    seen = bad = 0
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            if not name.endswith((".c", ".h", ".def")):
                continue
            path = os.path.relpath(os.path.join(folder, name), top)
            seen += 1
            for number, wrong in check_file(top, path):
                print("src/%s:%d: %s" % (path, number, wrong))
                bad += 1
    print("%d files, %d includes or calls out of place" % (seen, bad))
    return 1 if bad or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
