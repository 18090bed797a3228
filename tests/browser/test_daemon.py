# SPDX-License-Identifier: BSD-2-Clause
"""The wallboard on the daemon itself, fed by `ringtally sim` or line by line.

RINGTALLY_PICTURE=FILE keeps the picture that README.md shows.
"""
import datetime
import os
import shutil
import signal
import time

import pytest

from harness import poll

import live

TILE = "document.querySelector('.tile') !== null"
MARKUP = "<img src=x onerror=alert(1)>&amp;<b>"


@pytest.fixture
def wall(chromium, rig):
    """A browser, and a daemon that is not started yet."""
    chromium.live = live.Live(rig)
    yield chromium
    chromium.do("leave")


def opened(wall, query="", **kwargs):
    wall.open(wall.live.url + query, **kwargs)
    wall.wait("tiles", TILE)


def fine(wall):
    """Nothing but refused connections, where the daemon was away."""
    assert [c for c in wall.do("complaints") if "net::ERR_" not in c] == []


def waiting(wall, queue, n):
    """When the tile of that queue says that n wait: seconds from now."""
    began = time.monotonic()
    wall.wait("%s has %s waiting" % (queue, n), """([queue, n]) =>
	[...document.querySelectorAll('.tile')].some((t) =>
	t.querySelector('h3').innerText === queue &&
	t.querySelector('[data-figure=waiting] dd').innerText === n)""",
              [queue, str(n)])
    return time.monotonic() - began


def enter(wall, queue, call):
    wall.live.log((int(time.time()), call, queue, "NONE", "ENTERQUEUE", "",
                   "0123", 1))


def test_figures_change_within_a_second(wall):
    wall.live.start()
    enter(wall, "ctax", "c.0")
    opened(wall)
    waiting(wall, "ctax", 1)
    took = []
    for n in range(2, 7):
        enter(wall, "ctax", "c.%d" % n)
        took.append(waiting(wall, "ctax", n))
    # A snapshot a second: each is there by the next one.
    assert max(took) < 1.5 and sum(took) / len(took) < 1.1, took
    now = int(time.time())
    wall.live.log((now, "c.2", "ctax", "Local/7", "CONNECT", 3, "c.9", 3))
    waiting(wall, "ctax", 5)
    assert wall.texts("#tiles [data-figure=level] dd") != ["–"]
    assert wall.do("complaints") == []


def test_a_token_comes_with_the_address(wall):
    """Once, and is seen no more: neither in the address, nor by the next page
    that is opened."""
    token = "wall+0123456789/ab%2B=<x>"
    daemon = wall.live.daemon
    path = os.path.join(wall.live.rig.directory, "tokens")
    with open(path, "w") as f:
        f.write(token + "\n")
    os.chmod(path, 0o600)
    daemon.config["live"]["token_file"] = path
    daemon.write_config()
    wall.live.start()
    enter(wall, "ctax", "c.0")
    wall.open(wall.live.url)
    wall.wait_text("#warnings", "#token=")
    assert wall.texts(".tile") == []
    wall.open(wall.live.url + "#token=not-the-right-one")
    wall.wait_text("#warnings", "#token=")
    # Behind the address of a page that is open already.
    wall.eval("(t) => { location.hash = 'token=' + encodeURIComponent(t); }",
              token)
    waiting(wall, "ctax", 1)
    wall.wait("the warning goes", "document.querySelector('#warnings').hidden")
    assert wall.eval("location.href") == wall.live.url
    (cookie,) = [c for c in wall.do("cookies")
                 if c["name"] == "ringtally_token"]
    assert cookie["value"] == token and cookie["path"] == "/"
    assert cookie["sameSite"] == "Strict"
    assert cookie["expires"] > time.time() + 300 * 86400
    assert [c for c in wall.do("complaints") if "401" not in c] == []
    opened(wall, "?theme=light")
    assert wall.do("complaints") == []
    # Taken away again.
    wall.open(wall.live.url + "?theme=dark#token=")
    wall.wait_text("#warnings", "#token=")
    assert wall.do("cookies") == []


def test_sim_is_followed(wall):
    """A played call centre, at ten times its speed."""
    live_ = wall.live.start()
    player = live.sim_running(live_.rig.log, "--seed", "5", "--start", "now",
                              "--speed", "10x", "--rate", "4", "--profile",
                              "flat")
    try:
        opened(wall)
        seen = set()
        poll("the figures move", lambda: seen.add(
            wall.text("#summary [data-figure=gave_up]")) or len(seen) > 4,
            timeout=30)
    finally:
        player.terminate()
        player.wait(10)
    # its clock runs away from ours, and that is said
    assert [w for w in wall.texts(".warning") if "clock is" not in w] == []
    assert wall.do("complaints") == []


def test_a_stopped_daemon_is_seen_and_its_return(wall):
    live_ = wall.live.start()
    enter(wall, "ctax", "c.1")
    opened(wall)
    waiting(wall, "ctax", 1)
    live_.daemon.signal(signal.SIGSTOP)
    wall.wait_text(".warning", "No connection for", timeout=6)
    assert "these figures are of" in wall.text(".warning")
    assert wall.eval("document.body.classList.contains('stale')")
    wall.picture("stopped")
    # Longer than the page waits before it tries a connection of its own.
    time.sleep(8)
    assert "No connection for 1" in wall.text(".warning")
    enter(wall, "ctax", "c.2")
    live_.daemon.signal(signal.SIGCONT)
    waiting(wall, "ctax", 2)
    wall.wait("live", "document.querySelector('.warning') === null")
    fine(wall)


def test_a_restarted_daemon_is_found_again(wall):
    live_ = wall.live.start()
    enter(wall, "ctax", "c.1")
    enter(wall, "housing", "h.1")
    opened(wall)
    waiting(wall, "housing", 1)
    live_.rig.settle(site="halton")
    assert live_.daemon.stop() == 0
    wall.wait_text(".warning", "No connection for", timeout=6)
    live_.daemon.start(wait="READY")
    wall.wait("live", "document.querySelector('.warning') === null",
              timeout=15)
    enter(wall, "ctax", "c.2")
    waiting(wall, "ctax", 2)
    waiting(wall, "housing", 1)
    fine(wall)


def test_the_database_away_is_said(chromium, own_rig):
    wall = chromium
    wall.live = live.Live(own_rig).start()
    enter(wall, "ctax", "c.1")
    opened(wall)
    waiting(wall, "ctax", 1)
    own_rig.server.stop(signal.SIGQUIT)
    enter(wall, "ctax", "c.2")
    waiting(wall, "ctax", 2)
    wall.wait_text("#warnings", "The database is away", timeout=20)
    enter(wall, "ctax", "c.3")
    assert waiting(wall, "ctax", 3) < 1.5
    own_rig.server.start()
    wall.wait("no warning", "document.querySelector('.warning') === null",
              timeout=30)
    assert wall.do("complaints") == []
    wall.do("leave")


def test_markup_in_names_is_text(wall):
    wall.live.start()
    enter(wall, MARKUP, "m.1")
    opened(wall)
    waiting(wall, MARKUP, 1)
    assert wall.eval("document.querySelectorAll('main img').length") == 0
    opened(wall, "?queue=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%26amp%3B%3Cb%3E")
    assert wall.texts(".tile h3") == [MARKUP]
    assert wall.do("complaints") == []


def test_formulas_are_the_daemons(wall):
    live_ = wall.live.start()
    enter(wall, "ctax", "c.1")
    opened(wall)
    rows = {f["name"]: f for f in live_.ask("api/v1/formulas")["formulas"]}
    for figure, name in (("level", "sl_T_offered_pct"),
                         ("abandoned_pct", "abandoned_pct")):
        wall.do("hover", at=".tile [data-figure=%s] .term" % figure)
        wall.wait_text("#tip",
                       rows[name]["formula"].replace("_T", "_20"))
        assert rows[name]["help"] in wall.text("#tip")


def test_chosen_queues_only(wall):
    wall.live.start()
    for queue in ("ctax", "benefits", "housing", "waste"):
        enter(wall, queue, queue)
    opened(wall, "?service=Council+Tax")
    wall.wait("two", "document.querySelectorAll('.tile').length === 2")
    assert sorted(wall.texts(".tile h3")) == ["benefits", "ctax"]
    opened(wall, "?queue=waste")
    assert wall.texts(".tile h3") == ["waste"]
    wall.do("click", at="#choose")
    wall.wait("the choice", "document.querySelectorAll("
                            "'#pick-queue label').length === 4")
    assert wall.do("complaints") == []


def test_times_are_those_of_the_site(wall):
    wall.live.start()
    enter(wall, "ctax", "c.1")
    opened(wall)
    zone = datetime.datetime.now().astimezone(
        __import__("zoneinfo").ZoneInfo("Europe/London"))
    shown = wall.text("#clock").split(":")
    minutes = int(shown[0]) * 60 + int(shown[1])
    assert abs(minutes - zone.hour * 60 - zone.minute) <= 1


def morning(wall, *how):
    """A day of calls until now, at a site where it is the busy morning, whenever
    this runs: played for another day, its times are moved."""
    now = datetime.datetime.now(datetime.timezone.utc)
    east = (10 - now.hour + 9) % 24 - 9
    local = now + datetime.timedelta(hours=east)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    path = os.path.join(wall.live.rig.directory, "played")
    live.sim(path, *how, "--seed", "1", "--start", "2026-11-20",
             "--hours", "%.3f" % ((local - midnight).total_seconds() / 3600))
    start = midnight - datetime.timedelta(hours=east)
    friday = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone.utc)
    live.moved(path, wall.live.rig.log, int((start - friday).total_seconds()),
               [("housing", 94), ("housing", 41), ("housing", 12),
                ("planning", 27), ("ctax", 8), ("ctax", 3)])
    # POSIX's sign: west of Greenwich is positive.
    wall.live.daemon.config["timezone"] = "Etc/GMT%+d" % -east
    wall.live.daemon.write_config()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", ["wall", "phone"])
def test_axe_finds_nothing_on_real_figures(wall, size, scheme):
    morning(wall)
    live_ = wall.live.start()
    live_.wait_offered(500)
    opened(wall, size=size, scheme=scheme)
    wall.wait("the chart", "document.querySelectorAll("
                           "'#intervals tr').length > 0")
    found = wall.do("axe")
    assert found["violations"] == [] and found["passes"] > 20
    path = wall.picture("daemon-%s-%s" % (size, scheme), full=size == "phone")
    if (size, scheme) == ("wall", "dark") and \
            os.environ.get("RINGTALLY_PICTURE"):
        shutil.copy(path, os.environ["RINGTALLY_PICTURE"])
    assert wall.do("complaints") == []


# -- avoidable contact ----------------------------------------------------

CODES = {"VALUE": "not_avoidable", "CHASE": "progress_chasing",
         "CLARIFY": "unnecessary_clarification",
         "SIGNPOST": "poor_signposting", "AGAIN": "repeat_notification",
         "CLOSED": "premature_closure", "ASK": "not_assessed"}


def counted(path):
    """Of a log, by nothing but its lines: contacts, assessed, avoidable. A
    call is a contact when a conversation of it is over."""
    keys = {}
    with open(path) as lines:
        for line in lines:
            field = line.rstrip("\n").split("|")
            if field[4] in ("COMPLETEAGENT", "COMPLETECALLER",
                            "BLINDTRANSFER", "ATTENDEDTRANSFER"):
                keys.setdefault(field[1], None)
            elif field[4] == "CALLSTATUS":
                keys[field[1]] = field[5]
    said = [key for key in keys.values() if key not in (None, "ASK")]
    return len(keys), len(said), len([k for k in said if k != "VALUE"])


@pytest.mark.parametrize("size", ["wall", "phone"])
def test_ni14_of_a_played_day_is_that_of_sql(wall, size):
    """The same share on the page, by SQL, and counted from the log."""
    morning(wall, "--assess", "0.7", "--optimise", "0")
    live_ = wall.live
    live_.daemon.config["contacts"] = {"codes": [
        {"code": code, "category": category}
        for code, category in CODES.items()]}
    live_.daemon.write_config()
    live_.start()
    contacts, assessed, avoidable = counted(live_.rig.log)
    assert contacts > 400 and 0.5 < assessed / contacts < 0.75
    poll("all contacts are shown", lambda: [
        live_.ask("api/v1/contacts").get("today", {}).get(name)
        for name in ("contacts", "assessed", "avoidable")] ==
        [contacts, assessed, avoidable], timeout=60)
    (pct, coverage) = live_.rig.db.execute(
        "SELECT ni14_pct, coverage_pct FROM ringtally.contact_figures("
        "'halton', now() - interval '1 day', now())").fetchone()
    assert float(pct) == pytest.approx(100 * avoidable / assessed, abs=0.051)
    wall.open(live_.url + "contacts.html", size=size)
    wall.wait_text("#today [data-figure=ni14_pct]", "%.1f%%" % pct)
    assert "%.1f%%" % coverage in wall.text("#today")
    assert "{:,} of {:,}".format(assessed, contacts) in wall.text("#today")
    wall.wait("the categories", "document.querySelectorAll("
                                "'#categories tr').length === 6")
    wall.wait_text("#services", "Council Tax")
    found = wall.do("axe")
    assert found["violations"] == [] and found["passes"] > 20
    assert wall.texts(".warning") == []
    wall.picture("daemon-contacts-" + size, full=size == "phone")
    assert wall.do("complaints") == []
