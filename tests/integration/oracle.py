# SPDX-License-Identifier: BSD-2-Clause
"""What a queue_log means, worked out a second time.

Reads the text of a queue_log and computes, in the plainest way and sharing no
code with the daemon, the figures of ringtally(1) `tally -o csv`, the agents'
figures and the visits. Where a rule is needed for odd input it is the one
that the headers of the call machine and of the agents' sessions state.

All times are whole seconds, as a queue_log has them. Nothing here is fast: a
log is kept in memory and every visit with it.
"""
import dataclasses
from collections import defaultdict

OUTCOMES = ("answered", "abandoned", "timed_out", "exited_key",
            "exited_empty", "withdrawn", "refused", "lost")
COUNTS = ("offered",) + OUTCOMES + ("abandoned_short", "transferred",
                                    "ring_no_answer", "waiting")
CSV_COLUMNS = ("offered", "answered", "answered_15", "answered_20",
               "abandoned", "abandoned_short", "timed_out", "exited_key",
               "exited_empty", "withdrawn", "refused", "lost", "waiting",
               "wait_answered_s", "wait_abandoned_s", "max_wait_s", "talk_s")
AGENT_COLUMNS = ("handled", "ring_no_answer", "talk_s", "login_s", "pause_s",
                 "wrap_up_s")
DAY = 86400
NAME_MAX = 256
HIST_SECONDS = 7200
SESSION_GAP = 7 * DAY

# event -> (outcome, index of the wait among its parameters)
LEAVES = {
    "ABANDON": ("abandoned", 2),
    "SYSCOMPAT": ("abandoned", None),
    "EXITWITHTIMEOUT": ("timed_out", 2),
    "EXITWITHKEY": ("exited_key", 3),
    "EXITEMPTY": ("exited_empty", 2),
    "LEAVEEMPTY": ("exited_empty", 2),
    "WITHDRAW": ("withdrawn", 2),
}
REFUSALS = ("FULL", "CLOSED", "JOINEMPTY", "DIVERT_CA_RATIO",
            "DIVERT_HOLDTIME")
COMPLETES = ("COMPLETEAGENT", "COMPLETECALLER", "TRANSFER", "BLINDTRANSFER",
             "ATTENDEDTRANSFER")
LOGINS = ("AGENTLOGIN", "AGENTCALLBACKLOGIN", "ADDMEMBER")
LOGOFFS = ("AGENTLOGOFF", "AGENTCALLBACKLOGOFF", "REMOVEMEMBER")
PAUSES = ("PAUSE", "PAUSEALL")
UNPAUSES = ("UNPAUSE", "UNPAUSEALL")
KNOWN = (set(LEAVES) | set(REFUSALS) | set(COMPLETES) | set(LOGINS) |
         set(LOGOFFS) | set(PAUSES) | set(UNPAUSES) |
         {"ENTERQUEUE", "CONNECT", "RINGNOANSWER", "RINGCANCELED",
          "AGENTDUMP", "QUEUESTART", "CONFIGRELOAD", "PENALTY", "RINGINUSE",
          "WRAPUPSTART", "OUTCALL"})


def is_plain(char):
    code = ord(char)
    return not (code < 0x20 or 0x7f <= code < 0xa0 or
                0x200b <= code <= 0x200f or 0x2028 <= code <= 0x202e or
                0x2066 <= code <= 0x2069 or code in (0xfeff, 0xfffe, 0xffff))


def clean(raw, limit=NAME_MAX):
    """A name as it is stored: valid UTF-8 without controls, bounded."""
    text, i = [], 0
    while i < len(raw):
        for size in (1, 2, 3, 4):
            try:
                char = raw[i:i + size].decode("utf-8")
                break
            except UnicodeDecodeError:
                continue
        else:
            char, size = chr(raw[i]), 1
        i += size
        char = char if is_plain(char) else "\ufffd"
        limit -= len(char.encode())
        if limit < 0:
            break
        text.append(char)
    return "".join(text)


@dataclasses.dataclass
class Event:
    time: int
    call: str
    queue: str      # "" for none
    agent: str      # "" for none
    name: str
    params: list
    offset: int = 0

    def number(self, index):
        """A parameter as a number, or None; from the right if negative."""
        try:
            text = self.params[index]
        except IndexError:
            return None
        return int(text) if text.isdigit() else None


def parse_line(raw, offset=0):
    """One line without its end; None where it makes no sense."""
    fields = raw.split(b"|")
    if len(fields) < 5 or not fields[0].isdigit():
        return None
    at = 4
    # an agent's or queue's name with the separator in it
    if fields[4].decode("ascii", "replace") not in KNOWN:
        for shifted in range(5, min(len(fields), 10)):
            if fields[shifted].decode("ascii", "replace") in KNOWN:
                at = shifted
                break
    agent = clean(b"|".join(fields[3:at]))
    queue = clean(fields[2])
    return Event(int(fields[0]), clean(fields[1], 255),
                 "" if queue == "NONE" else queue,
                 "" if agent == "NONE" else agent,
                 clean(fields[at], 64),
                 [f.decode("latin-1") for f in fields[at + 1:]], offset)


def parse_log(data):
    """All events of the bytes of a log, up to its last line end."""
    offset = 0
    for raw in data.split(b"\n")[:-1]:
        event = parse_line(raw.rstrip(b"\r"), offset)
        offset += len(raw) + 1
        if event is not None:
            yield event


@dataclasses.dataclass
class Visit:
    call: str
    number: int
    queue: str
    entered: int
    offset: int = 0
    state: str = "waiting"      # talking, ended
    outcome: str = None
    wait: int = None
    agent: str = None
    answered: int = None
    ended: int = None
    talk: int = None
    transferred: bool = False
    reason: str = None      # the log's word for the end
    touched: int = 0

    def known(self):
        """What stands in ringtally.visit of an ended visit."""
        return (self.call, self.number, self.queue, self.entered,
                self.outcome)


def new_row():
    row = dict.fromkeys(CSV_COLUMNS + COUNTS, 0)
    row["wait_answered_hist"] = defaultdict(int)
    row["wait_abandoned_hist"] = defaultdict(int)
    return row


def hist_bin(wait):
    return min(max(wait, 0), HIST_SECONDS + 1)


class Oracle:
    def __init__(self, interval_minutes=15, short_abandon=5,
                 lost_after=6 * 3600):
        self.interval = interval_minutes * 60
        self.short = short_abandon
        self.lost_after = lost_after
        self.visits = []
        self.open = {}                      # id(visit) -> visit
        self.calls = defaultdict(list)      # call id -> visits
        self.entries = defaultdict(int)     # call id -> visits begun
        self.early = {}     # (call id, queue) -> (number, events)
        self.sessions = {}                  # (agent, queue) -> dict
        self.agents = defaultdict(lambda: dict.fromkeys(AGENT_COLUMNS, 0))
        self.rings = defaultdict(int)       # (queue, interval) -> rings
        self.clock = 0
        self.sure = False   # the clock's first value, by one more event
        self.leap = 0
        self.events = 0
        self.last_time = None

    # -- reading ---------------------------------------------------------

    def read(self, data):
        for event in parse_log(data):
            self.take(event)
        return self

    def take(self, event):
        self.events += 1
        self.last_time = event.time
        self.advance(event.time)
        name = event.name
        if name == "QUEUESTART":
            self.restart(event)
        elif name == "ENTERQUEUE":
            self.enter(event)
        elif name in REFUSALS:
            self.refuse(event)
        elif name == "CONNECT":
            self.follow(event, ("waiting",))
        elif name in LEAVES:
            self.follow(event, ("waiting",))
        elif name in COMPLETES:
            self.follow(event, ("talking", "waiting"))
        elif name == "RINGNOANSWER":
            self.ring(event)
        elif name in LOGINS + LOGOFFS + PAUSES + UNPAUSES:
            self.session(event)
        elif name == "WRAPUPSTART":
            self.wrap_up(event)

    def advance(self, time):
        """The switch's event clock: the newest event time, where a leap of
        more than a day counts only when the next event confirms it, and its
        first value likewise."""
        if not self.sure:
            self.sure = self.clock != 0 and abs(time - self.clock) <= DAY
            self.clock = max(self.clock, time) if self.sure else time
            if self.sure:
                self.forget_silent()
            return
        if self.clock and time > self.clock + DAY:
            if not self.leap or abs(time - self.leap) > DAY:
                self.leap = time
                return
        self.leap = 0
        if time > self.clock:
            if self.clock and time - self.clock > SESSION_GAP:
                self.end_sessions(self.clock)
            self.clock = time
        self.give_up()

    def now(self):
        """When something is heard: a visit that arrives with a leap not yet
        confirmed (the first call after a quiet weekend) is as young as the
        leap, and not old when the next line confirms it."""
        return self.leap or self.clock

    def give_up(self):
        for visit in list(self.open.values()):
            if self.clock - visit.touched > self.lost_after:
                self.lose(visit, self.clock)

    def lose(self, visit, time):
        if visit.state == "waiting":
            visit.outcome = "lost"
        self.end(visit, time)

    def end(self, visit, time):
        visit.state, visit.ended = "ended", time
        self.open.pop(id(visit), None)

    def restart(self, event):
        for visit in list(self.open.values()):
            self.lose(visit, event.time)
        for (agent, queue), session in self.sessions.items():
            if queue is None and session["login"] is not None:
                self.end_span(session, agent, queue, "pause", event.time)
                self.end_span(session, agent, queue, "login", event.time)

    # -- visits ----------------------------------------------------------

    def enter(self, event):
        for visit in reversed(self.calls[event.call]):
            if visit.queue != event.queue:
                continue
            if event.time <= visit.entered and (
                    visit.state != "ended" or (event.time == visit.entered
                                               and event.time < visit.ended)):
                return      # said again
            if visit.state == "waiting":
                self.lose(visit, event.time)    # its end was not written
            break
        number, early = self.early.pop((event.call, event.queue), (0, []))
        visit = Visit(event.call, number or self.count_entry(event.call),
                      event.queue, event.time, event.offset,
                      touched=self.now())
        self.calls[event.call].append(visit)
        self.visits.append(visit)
        self.open[id(visit)] = visit
        for other in early:
            self.apply(visit, other)

    def count_entry(self, call):
        """Visits are numbered as they are heard of, arrival seen or not."""
        self.entries[call] += 1
        return self.entries[call]

    def refuse(self, event):
        visit = Visit(event.call, self.count_entry(event.call),
                      event.queue, event.time, event.offset, state="ended",
                      outcome="refused", reason=event.name, ended=event.time)
        self.calls[event.call].append(visit)
        self.visits.append(visit)

    def follow(self, event, states):
        visit = self.find(event, states)
        if visit is not None:
            self.apply(visit, event)
        elif not any(v.queue == event.queue for v in self.calls[event.call]):
            key = event.call, event.queue
            if key not in self.early:
                self.early[key] = self.count_entry(event.call), []
            self.early[key][1].append(event)

    def find(self, event, states):
        """The visit that an event speaks of: the newest open one of that
        call in that queue; a completion under a call id never seen before
        belongs to the conversation of that agent with that wait."""
        for state in states:
            for visit in reversed(self.calls[event.call]):
                if visit.state == state and visit.queue == event.queue:
                    return visit
        if event.name in COMPLETES and not self.calls[event.call]:
            hold = complete_figures(event)[0]
            for visit in self.open.values():
                if (visit.state == "talking" and
                        visit.queue == event.queue and
                        visit.agent == event.agent and visit.wait == hold):
                    return visit
        return None

    def apply(self, visit, event):
        visit.touched = self.now()
        if event.name != "CONNECT":
            visit.reason = event.name
        if event.name == "CONNECT":
            wait = event.number(0)
            self.answer(visit, event, event.time,
                        event.time - visit.entered if wait is None else wait)
        elif event.name in LEAVES:
            outcome, index = LEAVES[event.name]
            wait = event.number(index) if index is not None else None
            if wait is None:
                wait = event.time - visit.entered
            visit.outcome, visit.wait = outcome, max(wait, 0)
            self.end(visit, event.time)
        elif event.name in COMPLETES:
            hold, talk = complete_figures(event)
            if visit.state == "waiting":
                at = event.time - (talk or 0)
                self.answer(visit, event, at,
                            at - visit.entered if hold is None else hold)
            if talk is None:
                talk = max(event.time - visit.answered, 0)
            visit.talk = talk
            visit.transferred = "TRANSFER" in event.name
            self.end(visit, event.time)
            if visit.agent:
                self.span(visit.agent, visit.queue, "talk_s",
                          event.time - talk, event.time)

    def answer(self, visit, event, time, wait):
        visit.state, visit.outcome = "talking", "answered"
        visit.answered, visit.wait = time, max(wait, 0)
        visit.agent = event.agent or None
        if visit.agent:
            self.book(visit.agent, visit.queue, time, "handled", 1)

    def ring(self, event):
        """Rings are the agents' doing: booked when they happen."""
        if event.queue:
            self.rings[event.queue, self.floor(event.time)] += 1
            if event.agent:
                self.book(event.agent, event.queue, event.time,
                          "ring_no_answer", 1)

    # -- agents ----------------------------------------------------------

    def floor(self, time):
        return time - time % self.interval

    def book(self, agent, queue, time, column, n):
        self.agents[agent, queue or None, self.floor(time)][column] += n

    def span(self, agent, queue, column, start, end):
        while start < end:
            border = min(self.floor(start) + self.interval, end)
            self.book(agent, queue, start, column, border - start)
            start = border

    def wrap_up(self, event):
        seconds = event.number(0)
        if seconds and event.agent:
            self.span(event.agent, event.queue, "wrap_up_s", event.time,
                      event.time + seconds)

    def session(self, event):
        queue = event.queue or None
        key = event.agent, queue
        session = self.sessions.setdefault(
            key, {"login": None, "pause": None, "logoff": 0})
        name = event.name
        # so far off the clock it is not believed: it happens now
        if self.clock and (event.time < self.clock - SESSION_GAP or (
                event.time > self.clock + SESSION_GAP and
                name in LOGOFFS + UNPAUSES)):
            event = dataclasses.replace(event, time=self.clock)
        if name in LOGINS:
            if session["login"] is None:
                session["login"] = event.time
            if name == "ADDMEMBER" and event.params[:1] == ["PAUSED"]:
                if session["pause"] is None:
                    session["pause"] = event.time
        elif name in LOGOFFS:
            unseen = session["login"] is None and queue is None
            self.end_span(session, *key, "pause", event.time)
            self.end_span(session, *key, "login", event.time)
            if unseen:
                self.book_back(session, event)
        elif name in PAUSES:
            if session["pause"] is None:
                session["pause"] = event.time
        else:
            self.end_span(session, *key, "pause", event.time)

    def book_back(self, session, event):
        """A login that was not seen, told by its end: never twice, and not
        where it would reach back further than SESSION_GAP."""
        told = event.number(1)
        if not told or told > SESSION_GAP:
            return
        start = event.time - told
        if start > self.clock - SESSION_GAP:
            self.span(event.agent, None, "login_s",
                      max(start, session["logoff"]), event.time)
            session["logoff"] = event.time

    def end_span(self, session, agent, queue, what, time):
        if session[what] is not None:
            # before the clock is known, what lasts longer has no length
            if not self.sure and time - session[what] > SESSION_GAP:
                time = session[what]
            self.span(agent, queue, what + "_s", session[what], time)
            if what == "login" and queue is None:
                session["logoff"] = max(session["logoff"], time)
            session[what] = None

    def forget_silent(self):
        """The clock is known: what began long before it has no length."""
        for session in self.sessions.values():
            for what in ("login", "pause"):
                if (session[what] is not None and
                        self.clock - session[what] > SESSION_GAP):
                    session[what] = None

    def end_sessions(self, time):
        for (agent, queue), session in self.sessions.items():
            for what in ("login", "pause"):
                self.end_span(session, agent, queue, what, time)

    # -- results ---------------------------------------------------------

    def within(self, limit, outcome="answered"):
        return sum(1 for v in self.visits
                   if v.outcome == outcome and v.wait <= limit)

    def queue_rows(self):
        """{(queue, interval start): {column: figure}}, with histograms as
        {bin: count} under wait_answered_hist and wait_abandoned_hist."""
        rows = {}
        for visit in self.visits:
            key = visit.queue, self.floor(visit.entered)
            self.add_visit(rows.setdefault(key, new_row()), visit)
        for key, rings in self.rings.items():
            rows.setdefault(key, new_row())["ring_no_answer"] = rings
        return rows

    def add_visit(self, row, visit):
        row["offered"] += 1
        if visit.outcome is None:
            row["waiting"] += 1
            return
        row[visit.outcome] += 1
        if visit.outcome == "answered":
            row["answered_15"] += visit.wait <= 15
            row["answered_20"] += visit.wait <= 20
            row["transferred"] += visit.transferred
            row["talk_s"] += visit.talk or 0
        if visit.outcome == "abandoned":
            row["abandoned_short"] += visit.wait <= self.short
        if visit.outcome in ("answered", "abandoned"):
            row["wait_%s_s" % visit.outcome] += visit.wait
            hist = row["wait_%s_hist" % visit.outcome]
            hist[hist_bin(visit.wait)] += 1
        if visit.wait is not None:
            row["max_wait_s"] = max(row["max_wait_s"], visit.wait)

    def queue_totals(self):
        """The same by queue alone."""
        totals = {}
        for (queue, _), row in self.queue_rows().items():
            total = totals.setdefault(queue, dict.fromkeys(CSV_COLUMNS, 0))
            for column in CSV_COLUMNS:
                if column == "max_wait_s":
                    total[column] = max(total[column], row[column])
                else:
                    total[column] += row[column]
        return totals

    def agent_rows(self):
        """{(agent, queue or None, interval start): {column: figure}}: what
        is known by now. Running sessions count up to the event clock."""
        booked = self.agents
        self.agents = defaultdict(lambda: dict.fromkeys(AGENT_COLUMNS, 0))
        for key, row in booked.items():
            self.agents[key].update(row)
        for (agent, queue), session in self.sessions.items():
            for what in ("login", "pause"):
                if self.sure and session[what] is not None:
                    self.span(agent, queue, what + "_s", session[what],
                              self.clock)
        rows, self.agents = self.agents, booked
        return {k: r for k, r in rows.items() if any(r.values())}

    def open_visits(self):
        return [v for v in self.visits if v.state != "ended"]

    def ended_visits(self):
        return [v for v in self.visits if v.state == "ended"]

    def check_identity(self):
        for key, row in self.queue_rows().items():
            parts = sum(row[o] for o in OUTCOMES) + row["waiting"]
            assert row["offered"] == parts, (key, row)


def complete_figures(event):
    """(wait, talk) of a completion; None where not told."""
    if event.name == "ATTENDEDTRANSFER":
        first = 3 if event.params[:1] == ["LINK"] else 2
        return event.number(first), event.number(first + 1)
    if event.name in ("TRANSFER", "BLINDTRANSFER"):
        return event.number(2), event.number(3)
    return event.number(0), event.number(1)


