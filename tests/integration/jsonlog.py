# SPDX-License-Identifier: BSD-2-Clause
"""The same calls as ringtally-json: makes of each line of a queue_log the
object that says the same, so that both must give the same figures."""
import json

COMPLETE = {"COMPLETEAGENT": 0, "COMPLETECALLER": 0, "TRANSFER": 2,
            "BLINDTRANSFER": 2, "ATTENDEDTRANSFER": 2}
LEAVE = {"ABANDON": ("abandoned", 2), "EXITWITHTIMEOUT": ("timed_out", 2),
         "EXITWITHKEY": ("exited_key", 3), "EXITEMPTY": ("exited_empty", 2),
         "WITHDRAW": ("withdrawn", 2)}
SAME = {"ENTERQUEUE": "enter", "CONNECT": "connect", "FULL": "refuse",
        "RINGNOANSWER": "ring_no_answer", "RINGCANCELED": "ring_canceled",
        "ADDMEMBER": "login", "REMOVEMEMBER": "logoff", "PAUSE": "pause",
        "PAUSEALL": "pause", "UNPAUSE": "unpause", "UNPAUSEALL": "unpause",
        "AGENTLOGIN": "login", "AGENTLOGOFF": "logoff",
        "QUEUESTART": "switch_start", "WRAPUPSTART": "wrap_up"}
NO_CALL = ("NONE", "MANAGER", "REALTIME", "CLI", "")


def seconds(params, at):
    return int(params[at]) if len(params) > at and params[at] else None


def parameters(name, params):
    """What the fields behind the event say."""
    if name == "ENTERQUEUE":
        return {"caller": params[1]}
    if name == "CONNECT":
        return {"wait_s": seconds(params, 0), "ring_s": seconds(params, 2)}
    if name in COMPLETE:
        at = COMPLETE[name]
        return {"wait_s": seconds(params, at),
                "talk_s": seconds(params, at + 1),
                "transferred": at > 0}
    if name in LEAVE:
        return {"outcome": LEAVE[name][0],
                "wait_s": seconds(params, LEAVE[name][1])}
    if name in ("RINGNOANSWER", "RINGCANCELED"):
        return {"ring_s": int(params[0]) / 1000}
    if name.startswith("PAUSE"):
        return {"reason": params[0]}
    if name == "WRAPUPSTART":
        return {"session_s": seconds(params, 0)}
    if name == "AGENTLOGOFF":
        return {"session_s": seconds(params, 1)}
    return {}


def event(line):
    """The object that says what this line (bytes) says."""
    time, call, queue, agent, name, *params = \
        line.decode().rstrip("\n").split("|")
    kind = SAME.get(name) or (name in COMPLETE and "complete") or \
        (name in LEAVE and "leave") or name
    made = {"event": kind, "time": int(time),
            "call": None if call in NO_CALL else call,
            "queue": None if queue == "NONE" else queue,
            "agent": None if agent == "NONE" else agent,
            **parameters(name, params)}
    return {key: value for key, value in made.items() if value is not None}


def convert(lines, escape=False):
    """Of lines (bytes each); escape: all but ASCII as \\u."""
    for line in lines:
        yield json.dumps(event(line), ensure_ascii=escape,
                         separators=(",", ":")).encode() + b"\n"
