#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The schema of ringtally-json and its parser take the same: every sample,
every value of a pool in every member of every event, and objects at random
(RINGTALLY_SLOW: many more of them). What JSON itself leaves open, and the few
rules that a schema can not say, are written down here a second time."""
import datetime
import decimal
import glob
import itertools
import json
import os
import random
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("no jsonschema: install python3-jsonschema")
    sys.exit(77)

TOP = os.environ.get("top_srcdir", ".")
JUDGE = os.path.join(os.environ.get("top_builddir", "."), "tests", "tool",
                     "judge")
RANDOM = 40000 if os.environ.get("RINGTALLY_SLOW") else 2500
NOW = "1787306400"
DEPTH = 32

EVENTS = ["enter", "connect", "complete", "leave", "refuse", "summary",
          "ring_no_answer", "ring_canceled", "login", "logoff", "pause",
          "unpause", "wrap_up", "switch_start", "picture", "picture_end",
          "note", "contact", "DISPOSITION"]
MEMBERS = ["time", "call", "queue", "agent", "caller", "outcome", "reason",
           "wait_s", "ring_s", "talk_s", "session_s", "began", "transferred",
           "present", "id", "ref", "channel", "service", "category", "code",
           "request", "resolved", "customer", "call_id", "switch",
           "assessed_by", "assessed_at", "wait_sec", "x_own"]
# as they stand in the text
POOL = ["null", "true", "false", '""', '"c.1"', '"Zo\\u00eb"', "[]", "{}",
        '["c.1"]', '{"a":[1,{"b":null}]}', "0", "-0", "-0.0", "0.5", "1", "-1",
        "-1e-30", "1e-30", "-1e-400", "1e-400", "30", '"30"', "100000000",
        "100000000.0", "100000000.00000000000000000001", "100000001", "1e8",
        "1.0000001e8", "1e400", "31535999.9999", "31536000", "1787306400",
        "1787306400.123", "1787306400123", "32503679999", "32503679999.5",
        '"2026-08-21T10:00:00Z"', '"2026-08-21T10:00:00.123456789+01:00"',
        '"2026-08-21T23:59:60Z"', '"2026-08-21T10:00:00"',
        '"2026-08-21 10:00:00Z"', '"2026-02-29T10:00:00Z"',
        '"2024-02-29T10:00:00Z"', '"2100-02-29T10:00:00Z"',
        '"2026-04-31T10:00:00Z"', '"2026-08-21t10:00:00z"',
        '"2026-08-21T24:00:00Z"', '"2026-08-21T10:00:00.Z"',
        '"2026-08-21T10:00:00+0100"', '"2026-08-21T10:00:00+24:00"',
        '"1970-12-31T23:59:59Z"', '"1971-01-01T00:00:00Z"',
        '"2999-12-31T23:59:59Z"', '"3000-01-01T00:00:00Z"',
        '"2026-08-21T10:00:00Z "', '"2026-08-21T10:00:00Z\\n"', '"answered"',
        '"abandoned"', '"timed_out"', '"exited_key"', '"exited_empty"',
        '"withdrawn"', '"refused"', '"lost"', '"waiting"', '"Abandoned"']
FITS = {"time": "1787306400", "call": '"c.1"', "queue": '"ctax"',
        "agent": '"Jo"', "outcome": '"abandoned"', "began": "1787306300",
        "session_s": "30"}


class NotJson(ValueError):
    """No JSON of RFC 8259, or none that says one thing only."""


def pairs(members):
    made = dict(members)
    if len(made) != len(members):
        raise NotJson("a member twice")
    return made


def texts_are_whole(value):
    """No U+0000 and no half of a surrogate pair."""
    if isinstance(value, str):
        return "\0" not in value and not re.search("[\ud800-\udfff]", value)
    if isinstance(value, dict):
        return all(texts_are_whole(k) and texts_are_whole(v)
                   for k, v in value.items())
    return not isinstance(value, list) or all(map(texts_are_whole, value))


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def constant(name):
    raise NotJson(name)


def parse(line):
    value = json.loads(line.decode(), parse_float=decimal.Decimal,
                       parse_constant=constant, object_pairs_hook=pairs)
    if not texts_are_whole(value) or depth(value) > DEPTH + 1:
        raise NotJson("texts or depth")
    return value


def is_date_time(text):
    """What "format" says; the pattern has looked at the rest."""
    if not isinstance(text, str):
        return True
    try:
        datetime.date.fromisoformat(text[:10])
    except ValueError:
        return False
    # a "$" of Python's is also before a line end
    return not text.endswith("\n")


def instant(value):
    if not isinstance(value, str):
        return decimal.Decimal(value)
    found = re.fullmatch(r"(.{10})T(..):(..):(..)(\.\d+)?(Z|.{6})", value)
    day = datetime.date.fromisoformat(found[1])
    seconds = (day - datetime.date(1970, 1, 1)).days * 86400 + \
        int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    if found[6] != "Z":
        east = int(found[6][1:3]) * 3600 + int(found[6][4:]) * 60
        seconds -= east if found[6][0] == "+" else -east
    return seconds + decimal.Decimal((found[5] or "0")[:7])


def in_order(event):
    """A summary does not begin after it is over."""
    if event["event"] != "summary" and not (
            event["event"] == "enter" and event.get("present")):
        return True
    time = event.get("time")
    return event.get("began") is None or \
        instant(event["began"]) <= instant(int(NOW) if time is None else time)


def ahead(event):
    """A contact of a clock that is wrong."""
    return event["event"] == "contact" and any(
        event.get(name) is not None and
        instant(event[name]) > instant(int(NOW) + 86400)
        for name in ("time", "assessed_at"))


class Schema:
    def __init__(self):
        with open(os.path.join(TOP, "etc", "schema", "ringtally-event.json"),
                  encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        formats = jsonschema.FormatChecker(formats=())
        formats.checks("date-time")(is_date_time)
        self.validator = jsonschema.Draft202012Validator(
            schema, format_checker=formats)
        self.known = set(schema["properties"])

    def takes(self, line):
        try:
            value = parse(line)
        except ValueError:
            return False
        return self.validator.is_valid(value) and in_order(value) and \
            not ahead(value)


def samples():
    """The records of tests/samples that are one object each."""
    found = glob.glob(os.path.join(TOP, "tests", "samples", "ringtally-json",
                                   "*"))
    assert found
    for path in found:
        with open(path, "rb") as file:
            for line in file:
                # an array is several events; a mark before UTF-8, and what
                # the samples write as \0, are no matter of the schema
                if line[:2] == b"> " and line[2:3] != b"[" and \
                        line[2:3] != b"\xef" and b"\\0b" not in line:
                    yield line[2:].rstrip(b"\n")


def text(event, members):
    return ("{%s}" % ",".join(['"event":%s' % event] + [
        '"%s":%s' % member for member in members.items()])).encode()


def one_at_a_time():
    """Each member of each event with each value, the others as they fit; and
    without that member."""
    for event, member in itertools.product(EVENTS, MEMBERS):
        others = {k: v for k, v in FITS.items() if k != member}
        yield text('"%s"' % event, others)
        for value in POOL:
            yield text('"%s"' % event, {**others, member: value})
    for value in POOL:
        yield text(value, FITS)


def at_random(count, seed=20260821):
    rng = random.Random(seed)
    for _ in range(count):
        members = {member: rng.choice(POOL) for member in
                   rng.sample(MEMBERS, rng.randrange(len(MEMBERS)))}
        for member, value in FITS.items():
            if rng.random() < 0.8:
                members[member] = value
        line = text('"%s"' % rng.choice(EVENTS), members)
        if rng.random() < 0.1:      # and broken somewhere
            at = rng.randrange(len(line))
            line = line[:at] + line[at + 1:]
        yield line


def corpus():
    every = list(one_at_a_time())
    if not os.environ.get("RINGTALLY_SLOW"):
        every = every[::7]          # 7 divides no length of a pool
    return [line for line in [*samples(), *every, *at_random(RANDOM)]
            if b"\n" not in line]


def main():
    schema = Schema()
    if schema.known != set(MEMBERS) - {"wait_sec", "x_own"} | {"event"}:
        print("members that this test does not know: %s" % schema.known)
        return 1
    lines = corpus()
    done = subprocess.run([JUDGE, "ringtally-json", NOW], check=True,
                          input=b"".join(line + b"\n" for line in lines),
                          stdout=subprocess.PIPE)
    verdicts = done.stdout.decode().splitlines()
    assert len(verdicts) == len(lines), (len(verdicts), len(lines))
    bad = taken = 0
    for line, verdict in zip(lines, verdicts):
        taken += verdict == "taken"
        if schema.takes(line) != (verdict == "taken"):
            bad += 1
            print("%s by the parser, %s by the schema: %s" % (
                verdict, "taken" if schema.takes(line) else "refused",
                line.decode(errors="replace")))
    print("%d objects, %d of them taken; %d judged otherwise" % (
        len(lines), taken, bad))
    return 1 if bad or taken < len(lines) // 10 else 0


if __name__ == "__main__":
    sys.exit(main())
