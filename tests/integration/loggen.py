# SPDX-License-Identifier: BSD-2-Clause
"""Makes a queue_log of a call centre that never was: same seed, same lines.

The clock is simulated, so a day is made in a second. Every way in which a
visit can end occurs, and the oddities that a real Asterisk writes: the same
line twice, custom events, pauses said again, calls passed on to a second
queue under the same call id. What it writes has one meaning only, so that
the oracle and the daemon must agree to the last second.
"""
import heapq
import random

START = 1772442000      # 2026-03-02 09:00:00 UTC


class CallCentre:
    def __init__(self, seed=1, start=START, queues=6, agents=24, rate=1.0,
                 prefix="", end=None):
        self.rng = random.Random(seed)
        self.now = start
        self.end = end
        self.queues = ["ctax", "housing", "500", "waste & recycling",
                       "benefits", "élections"][:queues]
        self.queues += ["queue%d" % i for i in range(6, queues)]
        self.free = ["Agent %03d" % i for i in range(agents)]
        self.rate = rate            # arrivals a second
        self.prefix = prefix        # of call ids
        self.serial = 0
        self.todo = []              # heap of (time, tiebreak, function)
        self.out = []
        self.line("NONE", "NONE", "NONE", "QUEUESTART")
        for agent in self.free:
            queue = self.rng.choice(self.queues)
            self.line("CLI", queue, agent, "ADDMEMBER")
        self.at(0, self.arrive)
        self.at(5, self.agent_whim)

    def at(self, delay, fn, *args):
        self.serial += 1
        heapq.heappush(self.todo, (self.now + delay, self.serial, fn, args))

    def line(self, call, queue, agent, event, *params):
        params = "|".join(str(p) for p in params)
        self.out.append(("%d|%s|%s|%s|%s|%s\n" % (
            int(self.now), call, queue, agent, event, params)).encode())

    def lines(self, count=None):
        """The next lines, as bytes each; without a count until `end`."""
        while self.todo and (count is None or count > 0):
            time, _, fn, args = heapq.heappop(self.todo)
            if self.end and time >= self.end and fn in (self.arrive,
                                                       self.agent_whim):
                continue
            self.now = max(self.now, time)
            fn(*args)
            for line in self.out:
                if count is not None:
                    count -= 1
                yield line
            self.out.clear()

    def text(self, count=None):
        return b"".join(self.lines(count))

    # -- callers ---------------------------------------------------------

    def arrive(self):
        self.serial += 1
        call = "%s%d.%d" % (self.prefix, int(self.now), self.serial)
        if self.rng.random() < 0.02:
            self.line(call, self.rng.choice(self.queues), "NONE", "FULL")
        else:
            self.enter(call)
        self.at(self.rng.expovariate(self.rate), self.arrive)

    def enter(self, call, again=False):
        queue = self.rng.choice(self.queues)
        caller = "0113496%04d" % self.rng.randrange(10000)
        self.line(call, queue, "NONE", "ENTERQUEUE", "", caller, 1)
        entered = int(self.now)
        if self.free and self.rng.random() < 0.8:
            agent = self.free.pop(self.rng.randrange(len(self.free)))
            rings = self.rng.choices((0, 1, 2), (8, 1, 1))[0]
            self.at(self.rng.randrange(45), self.ring, call, queue, entered,
                    agent, rings, again)
        else:
            self.at(self.rng.randrange(60), self.leave, call, queue, entered,
                    again)

    def ring(self, call, queue, entered, agent, rings, again):
        if rings:
            self.line(call, queue, agent, "RINGNOANSWER", 5000)
            self.at(5, self.ring, call, queue, entered, agent, rings - 1,
                    again)
            return
        hold = int(self.now) - entered
        self.line(call, queue, agent, "CONNECT", hold, call + "1", 2)
        talk = max(1, int(self.rng.expovariate(1 / 90)))
        if self.rng.random() < 0.02:
            talk += 1800
        self.at(int(self.now) + talk - self.now, self.complete, call, queue,
                hold, int(self.now), agent, again)

    def complete(self, call, queue, hold, answered, agent, again):
        talk = int(self.now) - answered
        how = self.rng.random()
        if how < 0.3 and self.rng.random() < 0.2:
            self.line(call, queue, agent, "CALLSTATUS", "CB%02d" % talk)
        if how < 0.45:
            self.line(call, queue, agent, "COMPLETECALLER", hold, talk, 1)
        elif how < 0.9:
            self.line(call, queue, agent, "COMPLETEAGENT", hold, talk, 1)
        elif how < 0.95:
            self.line(call, queue, agent, "ATTENDEDTRANSFER", "BRIDGE",
                      "39f9fdbe", hold, talk, 1)
        else:
            self.line(call, queue, agent, "BLINDTRANSFER", "8500", "inbound",
                      hold, talk, 1)
            if not again:
                self.enter(call, True)
        self.free.append(agent)

    def leave(self, call, queue, entered, again):
        wait = int(self.now) - entered
        how = self.rng.random()
        if how < 0.6:
            if self.rng.random() < 0.3:
                self.line(call, queue, "Agent 900", "RINGCANCELED", 1837)
            self.line(call, queue, "NONE", "ABANDON", 1, 1, wait)
        elif how < 0.75:
            self.line(call, queue, "NONE", "EXITWITHTIMEOUT", 1, 1, wait)
            if not again:
                self.enter(call, True)
        elif how < 0.85:
            self.line(call, queue, "NONE", "EXITWITHKEY", 1, 1, 1, wait)
        elif how < 0.95:
            self.line(call, queue, "NONE", "EXITEMPTY", 1, 1, wait)
        else:
            self.line(call, queue, "NONE", "WITHDRAW", 1, 1, wait, "moved")

    # -- agents ----------------------------------------------------------

    def agent_whim(self):
        agent = "Agent %03d" % self.rng.randrange(900, 905)
        queue = self.rng.choice(self.queues)
        event = self.rng.choice(("PAUSE", "UNPAUSE", "ADDMEMBER",
                                 "REMOVEMEMBER", "PAUSE", "UNPAUSE",
                                 "PENALTY", "SHIFTSTART"))
        self.line("NONE", queue, agent, event, "")
        if event == "UNPAUSE" and self.rng.random() < 0.3:
            self.line("NONE", queue, agent, event, "")
        if self.rng.random() < 0.05:
            self.line("NONE", "NONE", "NONE", "CONFIGRELOAD")
        if self.rng.random() < 0.2:
            self.line("1.1", "NONE", agent, self.rng.choice(
                ("AGENTLOGIN", "AGENTLOGOFF")), "SIP/%s" % agent[-3:])
        self.at(self.rng.expovariate(self.rate / 4), self.agent_whim)


def make_log(count, seed=1, **options):
    return CallCentre(seed, **options).text(count)
