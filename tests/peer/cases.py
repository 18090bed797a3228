# SPDX-License-Identifier: BSD-2-Clause
"""Cases of ../shared/peer-cases: how other systems' tests count the same rows.

A case is turned into a queue_log, played, and its expected figures are worked
out again from what came of it. A verdict is AGREE, or DIFFER with the first
figure that differs, or NOT_APPLICABLE with the reason: a case that asks for
something that is no figure of ours."""
import csv
import datetime
import json
import math
import os
import zoneinfo

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
AGREE, DIFFER, NOT_APPLICABLE = "agrees", "differs", "not applicable"
FILES = ("queue-log-to-queue-intervals", "queue-log-to-agent-intervals",
         "queue-log-to-calls", "queue-log-to-agent-sessions",
         "queue-stats-by-window", "service-level-buckets",
         "agent-stats-by-window", "derived/service-level-variants")
OTHER_FILES = {
    "bucket-arithmetic": "arithmetic on rows that are no queue_log",
    "invalid-parameters": "parameters of another system's interface",
    "rolling-answer-ratio": "a rolling ratio over steps, no queue_log",
}
QUARTER = 900
SATURATED = ("FULL", "DIVERT_CA_RATIO", "DIVERT_HOLDTIME")


class NotApplicable(Exception):
    pass


class Different(Exception):
    pass


def load(name):
    with open(harness.shared("peer-cases", name + ".json")) as f:
        return json.load(f)["cases"]


def all_cases():
    if not harness.shared("peer-cases"):
        return []
    return [case for name in FILES for case in load(name)]


def known_differences():
    """{case id: reason} of the differences that are on purpose."""
    with open(os.path.join(HERE, "differences.tsv")) as f:
        rows = csv.reader((line for line in f if not line.startswith("#")),
                          delimiter="\t")
        return {row[0]: row[1] for row in rows}


def epoch(text):
    return datetime.datetime.fromisoformat(text).timestamp()


# -- a case as a queue_log ------------------------------------------------

def rows_of(case):
    twin = case["input"].get("same_as")
    if twin:
        return rows_of(next(c for name in FILES for c in load(name)
                            if c["id"] == twin))
    if "queue_log" in case["input"]:
        rows = case["input"]["queue_log"]
        if "agent" in case["kind"]:
            # rows of a table, some newest first; a log has them by time
            rows = sorted(rows, key=lambda row: epoch(row["time"]))
        return rows
    equivalent = case.get("queue_log_equivalent") or {}
    if not equivalent.get("available"):
        raise NotApplicable("no rows: " + "; ".join(
            equivalent.get("why_not") or ["derived tables only"]))
    return equivalent["rows"]


def log_line(row):
    fields = [row["callid"], row["queue"], row["agent"], row["event"]]
    fields += [row.get("data%d" % n) or "" for n in range(1, 6)]
    while len(fields) > 5 and not fields[-1]:
        fields.pop()
    return "%d|%s\n" % (math.floor(epoch(row["time"])), "|".join(fields))


def queue_log(case):
    """The text, with a tick of the switch's clock at the end of the window:
    the peer looks at its rows when the window is over."""
    rows = rows_of(case)
    lines = [log_line(row) for row in rows]
    if not rows:
        return b""
    last = max(epoch(row["time"]) for row in rows)
    ends = [end for end in window_ends(case) if end > last]
    if ends:
        tick = "%d|NONE|NONE|NONE|CONFIGRELOAD|\n" % math.ceil(max(ends))
        lines += [tick, tick]
    return "".join(lines).encode()


def window_ends(case):
    window = case["settings"].get("window") or {}
    if window.get("until"):
        yield epoch(window["until"])
    expected = case["expected"]
    for subject in expected if isinstance(expected, list) else ():
        for item in subject["intervals"]:
            yield epoch(item["until"])


# -- figures of a window --------------------------------------------------

class Window:
    """Which quarter-hours an item of a case speaks of."""

    def __init__(self, settings, start=None, until=None):
        self.zone = zoneinfo.ZoneInfo(settings.get("timezone") or "UTC")
        self.start = -math.inf if start is None else epoch(start)
        self.until = math.inf
        if until and not until.startswith("<"):
            self.until = epoch(until)
        hours = settings.get("opening_hours")
        self.hours = ((hours["first_hour"], hours["last_hour"])
                      if hours else None)
        days = settings.get("week_days")
        self.days = days if days is not None else None

    def has(self, time):
        if not self.start <= time < self.until:
            return False
        local = datetime.datetime.fromtimestamp(time, self.zone)
        if self.hours and not self.hours[0] <= local.hour <= self.hours[1]:
            return False
        return self.days is None or local.isoweekday() in self.days


def round2(value):
    return None if value is None else round(value + 1e-9, 2)


class QueueSum:
    """Figures of one queue in a window, under the peer's names."""

    def __init__(self, played, queue, window):
        self.rows = [row for (q, start), row in played.queue_rows.items()
                     if q == queue and window.has(start)]
        self.visits = [v for v in played.visits
                       if v["queue"] == queue and window.has(v["entered"])]

    def sum(self, column):
        return sum(row[column] for row in self.rows)

    def within(self, seconds, outcome="answered"):
        return sum(n for row in self.rows
                   for b, n in row["wait_%s_hist" % outcome].items()
                   if b <= seconds)

    def refused(self, *reasons):
        return sum(1 for v in self.visits if v["reason"] in reasons)

    def figure(self, name, threshold=None):
        simple = {"received": "offered", "answered": "answered",
                  "abandoned": "abandoned", "not_answered": "timed_out",
                  "timeout": "timed_out", "leaveempty": "exited_empty"}
        if name in simple:
            return self.sum(simple[name])
        if name == "closed":
            return self.refused("CLOSED")
        if name == "saturated":
            return self.refused(*SATURATED)
        if name in ("full", "joinempty", "divert_ca_ratio"):
            return self.refused(name.upper())
        if name == "divert_waittime":
            return self.refused("DIVERT_HOLDTIME")
        if name == "blocked":
            return self.refused("JOINEMPTY") + self.sum("exited_empty")
        if name in ("average_waiting_time", "average_wait_s"):
            return self.average_wait()
        if name in ("answered_rate", "answered_rate_pct"):
            counted = (self.sum("answered") + self.sum("abandoned") +
                       self.sum("timed_out") + self.figure("blocked") +
                       self.refused("FULL"))
            return (round2(100 * self.sum("answered") / counted)
                    if counted else None)
        if name in ("quality_of_service", "service_level_pct"):
            if threshold is None or not self.sum("answered"):
                return None
            return round2(100 * self.within(threshold) /
                          self.sum("answered"))
        raise NotApplicable("no figure of ours: " + name)

    def average_wait(self):
        ended = (self.sum("answered") + self.sum("abandoned") +
                 self.sum("timed_out") + self.sum("exited_empty"))
        if not ended:
            return None
        waits = self.sum("wait_answered_s") + self.sum("wait_abandoned_s")
        waits += sum(v["wait"] or 0 for v in self.visits
                     if v["outcome"] in ("timed_out", "exited_empty"))
        return math.floor(waits / ended)

    def buckets(self, expected):
        for bucket in expected:
            top = bucket["max"]
            for outcome in ("answered", "abandoned"):
                if outcome not in bucket:
                    continue
                least = self.within(bucket["min"] - 1, outcome)
                most = self.within(math.inf if top is None else top - 1,
                                   outcome)
                yield (outcome, bucket["min"]), bucket[outcome], most - least


class AgentSum:
    """Figures of one agent in a window. Conversations stand by queue; logins
    and pauses that name no queue stand by themselves."""
    NAMES = {"answered": "handled", "conversation_s": "talk_s",
             "conversation_time": "talk_s", "login_s": "login_s",
             "login_time": "login_s", "pause_s": "pause_s",
             "pause_time": "pause_s", "wrapup_s": "wrap_up_s",
             "wrapup_time": "wrap_up_s"}

    def __init__(self, played, agent, window, queue=False):
        self.rows = [(q, row) for (a, q, start), row
                     in played.agent_rows.items()
                     if a == agent and window.has(start) and
                     (queue is False or q == queue)]
        self.by_queue = queue is not False

    def figure(self, name):
        if name not in self.NAMES:
            raise NotApplicable("no figure of ours: " + name)
        column = self.NAMES[name]
        whole = column in ("login_s", "pause_s", "wrap_up_s")
        return sum(row[column] for queue, row in self.rows
                   if self.by_queue or not whole or queue is None)


def want(what, expected, got, slack=0):
    if expected is None or got is None:
        same = expected is None and got is None
    else:
        same = abs(expected - got) <= slack + 0.005
    if not same:
        raise Different("%s: peer %s, ringtally %s" % (what, expected, got))


# -- the kinds of case ----------------------------------------------------

def check_queue_intervals(case, played):
    settings = case["settings"]
    fields = ("received", "answered", "abandoned", "blocked", "saturated",
              "closed", "average_wait_s", "answered_rate_pct",
              "service_level_pct")
    for subject in case["expected"]:
        for item in subject["intervals"]:
            total = QueueSum(played, subject["queue"],
                             Window({}, item["from"], item["until"]))
            for name in fields:
                if name in item:
                    want("%s %s %s" % (subject["queue"], item["from"], name),
                         item[name], total.figure(
                             name, settings["service_level_threshold_s"]))


def check_agent_intervals(case, played):
    for subject in case["expected"]:
        for item in subject["intervals"]:
            total = AgentSum(played, subject["agent"],
                             Window({}, item["from"], item["until"]))
            for name in AgentSum.NAMES:
                if name in item:
                    want("%s %s %s" % (subject["agent"], item["from"], name),
                         item[name], total.figure(name), slack=1)


STATUS = {"answered": "answered", "full": "refused", "closed": "refused",
          "leaveempty": "exited_empty", "abandoned": "abandoned",
          "timeout": "timed_out"}


def check_calls(case, played):
    window = case["settings"]["window"]
    start, until = math.floor(epoch(window["from"])), epoch(window["until"])
    only = STATUS.get(case["settings"].get("only_status"))
    found = []
    for visit in played.visits:
        time = (visit["ended"] if visit["outcome"] == "answered"
                else visit["entered"])
        if (start <= time <= until and visit["outcome"] != "lost" and
                (only is None or visit["outcome"] == only)):
            found.append(visit)
    want("number of calls", len(case["expected"]["calls"]), len(found))
    for call in case["expected"]["calls"]:
        match = [v for v in found
                 if v["call"] == call["callid"] and
                 v["queue"] == call["queue"] and
                 v["outcome"] == STATUS[call["status"]] and
                 call.get("agent", v["agent"]) == v["agent"]]
        if not match:
            raise Different("no such visit: %s" % call)
        for name, ours in (("wait_s", "wait"), ("talk_s", "talk")):
            if name in call:
                want(call["callid"] + " " + name, call[name], match[0][ours])
        if "entered" in call:
            want("entered", epoch(call["entered"]), match[0]["entered"])
        found.remove(match[0])


def quarters(intervals):
    """[[from, until] ...] -> {quarter-hour: seconds}"""
    seconds = {}
    for start, until in intervals:
        at, until = epoch(start), epoch(until)
        while at < until:
            quarter = at // QUARTER * QUARTER
            end = min(quarter + QUARTER, until)
            seconds[quarter] = seconds.get(quarter, 0) + end - at
            at = end
    return seconds


def check_sessions(case, played):
    what = case["settings"]["what"]
    if what in ("last_login_logout", "ongoing_login"):
        raise NotApplicable("asks when, not how long; no such figure")
    if what == "wrapup":
        return check_wrap_ups(case, played)
    column = "pause_s" if what == "pause" else "login_s"
    window = case["settings"]["window"]
    start, until = epoch(window["from"]), epoch(window["until"])
    names = agent_names(case)
    expected = {}
    for session in case["expected"]["sessions"]:
        for quarter, n in quarters(session["intervals"]).items():
            expected[session["agent"], session["queue"], quarter] = n
    for absent in case["expected"]["absent"]:
        expected[absent["agent"], absent["queue"], start] = 0
    listed = {key[:2] for key in expected}
    exact = case["expected"]["match"] == "exact"
    got = {}
    for (agent, queue, quarter), row in played.agent_rows.items():
        key = names.get(agent, agent), queue
        if start <= quarter < until and row[column] and (
                exact or key in listed):
            got[(*key, quarter)] = row[column]
    for key in sorted(set(expected) | set(got), key=str):
        want("%s %s" % (column, key), expected.get(key, 0), got.get(key, 0),
             slack=1)


def check_wrap_ups(case, played):
    for session in case["expected"]["sessions"]:
        if session["queue"] is not None:
            continue        # the peer repeats it under the queue "NONE"
        start = epoch(session["from"])
        got = sum(row["wrap_up_s"] for (agent, queue, at), row
                  in played.agent_rows.items()
                  if agent == session["agent"] and queue is None and
                  start <= at < start + 3600)
        want("wrap-up %s %s" % (session["agent"], session["from"]),
             session["wrapup_s"], got, slack=1)


def agent_names(case):
    """What the log calls an agent -> what the case does."""
    return {"Local/id-%s@agentcallback" % a["agent_id"]: a["name"]
            for a in case["settings"].get("agents") or ()
            if a.get("agent_id")}


def items_of(case):
    if case["settings"].get("tenants") is not None:
        raise NotApplicable("a choice of tenants")
    expected = case["expected"]
    if "items" not in expected:
        raise NotApplicable("an answer of another interface: " +
                            ", ".join(expected))
    return expected["items"]


def window_of(case, item):
    settings = case["settings"]
    window = settings["window"]
    return Window(settings, item.get("from") or window["from"],
                  item.get("until") or window["until"])


def check_queue_stats(case, played):
    ignored = set(case["queue_log_equivalent"]["ignore_expected_fields"])
    threshold = case["settings"].get("service_level_threshold_s")
    named = ("from", "until", "tenant_uuid", "queue_id", "queue_name")
    for item in items_of(case):
        queue = item.get("queue_id", case["settings"].get("queue_id", 1))
        total = QueueSum(played, "queue%s" % queue, window_of(case, item))
        if "qos_max" in case["settings"]:
            bucket = {"min": case["settings"]["qos_min"],
                      "max": case["settings"]["qos_max"], **item}
            for what, theirs, ours in total.buckets([bucket]):
                want("queue%s %s" % (queue, what), theirs, ours)
            continue
        for name, value in item.items():
            if name in named or name in ignored:
                continue
            label = "queue%s %s %s" % (queue, item.get("from"), name)
            if isinstance(value, list):
                for what, theirs, ours in total.buckets(value):
                    want("%s %s" % (label, what), theirs, ours)
            else:
                want(label, value, total.figure(name, threshold))


def check_agent_stats(case, played):
    settings = case["settings"]
    names = {a["agent_id"]: a["name"] for a in settings.get("agents") or ()}
    for item in items_of(case):
        agent = names.get(item.get("agent_id", settings.get("agent_id")))
        if agent is None:
            raise NotApplicable("an agent that has no rows")
        window = window_of(case, item)
        total = AgentSum(played, agent, window)
        for name, value in item.items():
            if name in AgentSum.NAMES:
                want("%s %s %s" % (agent, item.get("from"), name), value,
                     total.figure(name))
        for part in item.get("queues") or ():
            total = AgentSum(played, agent, window,
                             "queue%s" % part["queue_id"])
            for name, value in part.items():
                if name in AgentSum.NAMES:
                    want("%s queue %s" % (agent, name), value,
                         total.figure(name))


def check_derived(case, played):
    """Counts here; the shares are asked of the SQL views elsewhere."""
    if case["settings"]["comparison"] != "<=":
        raise NotApplicable("wait < T is not what within T means; (a, b]")
    limit = case["settings"]["threshold_s"]
    total = QueueSum(played, "council", Window({}))
    counts = case["expected"]["counts"]
    ours = {"presented": total.sum("offered"),
            "answered": total.sum("answered"),
            "answered_within": total.within(limit),
            "abandoned": total.sum("abandoned"),
            "abandoned_within": total.within(limit, "abandoned"),
            "short_abandons": total.sum("abandoned_short"),
            "flowed_out_on_timeout": total.sum("timed_out")}
    for name, value in counts.items():
        want(name, value, ours[name])
    want("asa_answered_s", case["expected"]["asa_answered_s"],
         round(total.sum("wait_answered_s") / total.sum("answered"), 4))


CHECKS = {
    "queue_log_to_queue_intervals": check_queue_intervals,
    "queue_log_to_agent_intervals": check_agent_intervals,
    "queue_log_to_calls": check_calls,
    "queue_log_to_agent_sessions": check_sessions,
    "calls_and_hourly_counts_to_queue_stats": check_queue_stats,
    "calls_to_queue_stats": check_queue_stats,
    "calls_to_service_level_buckets": check_queue_stats,
    "calls_and_agent_hours_to_agent_stats": check_agent_stats,
    "derived_from_documented_formulas": check_derived,
}


def judge(case, play):
    """play(log bytes, case) -> Played; returns (verdict, text)."""
    try:
        CHECKS[case["kind"]](case, play(queue_log(case), case))
    except NotApplicable as why:
        return NOT_APPLICABLE, str(why)
    except Different as what:
        return DIFFER, str(what)
    return AGREE, ""
