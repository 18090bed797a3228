# SPDX-License-Identifier: BSD-2-Clause
"""The wallboard, with a daemon that is played: what is shown, in which order,
when it is old, and that everybody can read and work it."""
import datetime
import time

import pytest

import colours
import mock
from harness import poll

MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>Tax</b>"
LONG = "Revenues-and-Benefits-Overflow-Team-Weekends-" * 4
TILE = "(document.querySelector('.tile') !== null)"


def opened(page, daemon, query="", **kwargs):
    page.open(daemon.url + query, **kwargs)
    page.wait("tiles", TILE)
    page.wait("the chart", "document.querySelectorAll("
                           "'#intervals tr').length > 0")
    page.wait("the callbacks", "document.querySelectorAll("
                               "'#callbacks tr').length > 0")


def names(page):
    return page.texts(".tile h3")


def figure(page, name, figure):
    """What the tile of that name shows."""
    return page.eval(
        "([name, figure]) => [...document.querySelectorAll('.tile')]"
        ".find((t) => t.querySelector('h3').innerText === name)"
        ".querySelector(`[data-figure=${figure}] dd`).innerText",
        [name, figure])


def find(daemon, name):
    return next(q for q in daemon.queues if q["queue"] == name)


# -- what is shown --------------------------------------------------------

def test_a_tile_says_what_matters(page, daemon):
    opened(page, daemon)
    assert figure(page, "ctax", "waiting") == "7"
    assert figure(page, "ctax", "longest_wait_s") == "3:12"
    assert figure(page, "ctax", "level") == "78.4%"
    assert figure(page, "ctax", "paused") == "3"
    tile = page.text(".tile")
    assert "Off target" in tile
    assert "268 more calls in a row to reach 85%" in tile
    assert "Council Tax" in tile
    assert page.text("#summary [data-figure=waiting] dd") == "18"
    assert page.text("#title") == "halton"


def test_what_is_not_known_is_a_dash(page, daemon):
    opened(page, daemon)
    for name in ("level", "abandoned_pct", "longest_wait_s", "level_15m"):
        assert figure(page, "electoral", name) == "–"
    assert figure(page, "electoral", "waiting") == "0"


def test_target_out_of_reach_is_said(page, daemon):
    find(daemon, "ctax")["calls_to_target"] = None
    find(daemon, "waste")["calls_to_target"] = 1
    opened(page, daemon)
    plans = page.texts(".plan")
    assert "85% is out of reach today" in plans
    assert "1 more call in a row to reach 85%" in plans


def test_who_still_rings_is_not_missed(page, daemon):
    find(daemon, "electoral").update(status=None, calls_to_target=1,
                                     waiting=1, longest_wait_s=2)
    find(daemon, "electoral")["today"].update(offered=1)
    daemon.intervals[-1].update(waiting=1)
    opened(page, daemon)
    tile = next(t for t in page.texts(".tile") if "electoral" in t)
    assert "First calls" in tile
    assert "1 more call in a row to reach 85%" in tile
    assert page.eval("Chart.getChart('chart').data.datasets[0].data"
                     ".map((x) => x === null)").index(True) == \
        len([i for i in daemon.intervals if i["offered"] > 0]) - 1


def test_waits_not_known_are_not_out_of_reach(page, daemon):
    waste = find(daemon, "waste")
    waste.update(status=None, calls_to_target=None, waits_unknown=1)
    waste["today"].update(answered=275, target_pct=None,
                          sl_20_offered_pct=None)
    opened(page, daemon)
    tile = next(t for t in page.texts(".tile") if "waste" in t)
    assert "Target 85%: waits are not known (1 of 275)" in tile
    assert "Not known" in tile
    assert "No calls yet" not in tile


def test_figures_change_within_a_second(page, daemon):
    opened(page, daemon)
    find(daemon, "ctax")["waiting"] = 23
    began = time.monotonic()
    daemon.push()
    page.wait("the figure", "document.querySelector('.tile dd').innerText"
                            " === '23'")
    assert time.monotonic() - began < 1


def test_times_are_those_of_the_site(page, daemon):
    daemon.now = datetime.datetime(2026, 7, 1, 12, 30, 5,
                                   tzinfo=datetime.timezone.utc)
    daemon.intervals = mock.day(daemon.now)
    daemon.calls = list(mock.callbacks(daemon.now))
    opened(page, daemon)
    assert page.text("#clock").startswith("13:30:")
    assert page.text("#date") == "Wednesday 1 July"
    assert page.texts("#callbacks td")[0] == "13:28"


def test_callbacks_open_ones_first(page, daemon):
    daemon.calls[0]["caller"] = "<i>07700 900123</i>"
    opened(page, daemon)
    assert page.text("#callbacks-count") == "7"
    rows = page.texts("#callbacks tr")
    assert "<i>07700 900123</i>" in rows[0]
    assert ["not yet" in row for row in rows] == [True] * 7 + [False] * 3
    assert "through at 14:27" in rows[7]


def test_callers_without_a_number(page, daemon):
    for call in daemon.calls:
        call["caller_known"] = True
    daemon.calls[0].update(caller=None, caller_known=False)
    daemon.calls[1].update(caller=None)
    daemon.calls[2].update(caller="07700 900123")
    opened(page, daemon)
    assert page.text("#callbacks-count") == "6"
    rows = page.texts("#callbacks tr")
    assert "not kept" in rows[0] and "not yet" in rows[0]
    assert rows[6].count("not known") == 2
    assert "through at" in rows[7]


def test_markup_in_names_is_text(page, daemon):
    daemon.queues = [mock.queue(MARKUP, MARKUP + "\u202e\n", 10, 50.0, 1, 5,
                                (0, 1, 0, 0))]
    daemon.calls = [{**daemon.calls[0], "queue": MARKUP}]
    daemon.feeds[0].update(feed=MARKUP, stale=True)
    opened(page, daemon, "?title=" + "%3Cb%3Etitle")
    assert page.eval("document.querySelectorAll("
                     "'main img, main bdi *, h1 *, .warning *').length") == 0
    assert MARKUP in names(page)[0]
    assert MARKUP in page.text(".warning")
    assert MARKUP in page.text("#callbacks")
    assert MARKUP in page.eval("document.querySelector('#of').innerHTML"
                               ".replaceAll('&lt;', '<')"
                               ".replaceAll('&gt;', '>')")
    assert page.text("#title") == "<b>title"
    assert page.eval("document.title") == "1 waiting – <b>title"
    page.do("click", at="#choose")
    page.wait("the choice", "document.querySelectorAll('.pick label').length")
    assert page.eval("document.querySelectorAll('.pick img').length") == 0


def test_formulas_on_hover_and_on_focus(page, daemon):
    opened(page, daemon)
    assert page.texts("#tip") == []
    page.do("hover", at=".tile [data-figure=level] .term")
    page.wait_text("#tip", "answered_20 / offered")
    page.do("hover", at="#tip")     # it stays, to be read and copied
    time.sleep(0.4)
    assert "answered_20 / offered" in page.text("#tip")
    page.do("press", key="Escape")
    page.wait("no tip", "document.querySelector('#tip').hidden")
    page.eval("document.querySelector("
              "'#summary [data-figure=abandoned_pct] .term').focus()")
    page.wait_text("#tip", "abandoned / offered")
    assert page.eval("document.activeElement.getAttribute("
                     "'aria-describedby')") == "tip"


def test_table_has_what_the_chart_shows(page, daemon):
    opened(page, daemon)
    assert page.eval("Chart.getChart('chart').data.datasets.map("
                     "(d) => d.label)") == \
        ["In 20 s", "Target 85%", "Gave up", "Offered"]
    shown = [i for i in daemon.intervals if i["offered"] > 0]
    assert page.eval("Chart.getChart('chart').data.datasets[0].data") == \
        [i["sl_20_offered_pct"] for i in shown]
    page.do("click", at="#as-table")
    rows = [row.split("\t") for row in page.texts("#intervals tr")]
    assert len(rows) == len(shown)
    assert rows[-1] == ["08:00", str(shown[0]["offered"]),
                        str(shown[0]["abandoned"]),
                        "%.1f%%" % shown[0]["sl_20_offered_pct"]]
    assert page.texts("#chart") == []
    page.do("pick", at="#of", value="pbx1\0housing")
    poll("the one queue is asked for", lambda: any(
        a == "/api/v1/intervals?queue=housing" for a in daemon.asked))


def test_the_chart_of_one_of_two_switches(page, daemon):
    daemon.queues = [mock.queue("Tax", "ctax", 10, 50.0, 0, None,
                                (0, 1, 0, 0), switch=switch)
                     for switch in ("pbx1", "pbx2")]
    opened(page, daemon)
    assert page.eval("[...document.querySelector('#of').options]"
                     ".map((o) => o.textContent)") == \
        ["All shown", "ctax (pbx1)", "ctax (pbx2)"]
    page.do("pick", at="#of", value="pbx2\0ctax")
    poll("that one is asked for", lambda: any(
        a == "/api/v1/intervals?queue=ctax&switch=pbx2"
        for a in daemon.asked))


def test_intervals_are_called_what_they_are(page, daemon):
    daemon.interval_s = 3600
    daemon.intervals = daemon.intervals[::4]
    daemon.queues[0]["target"]["pct"] = 98.765
    opened(page, daemon)
    assert page.text("#today-head") == "Today by hour"
    assert "by hour; today" in page.eval(
        "document.querySelector('#chart').getAttribute('aria-label')")
    assert any("98.765%" in plan for plan in page.texts(".plan"))


# -- order ----------------------------------------------------------------

def test_trouble_comes_first(page, daemon):
    opened(page, daemon)
    shown = names(page)
    assert shown[:4] == ["ctax", "adult-social-care", "waste", "benefits"]
    assert shown[-2:] == ["electoral", "switchboard"]
    assert page.text("#tally") == \
        "2 off target · 2 near target · 6 on target"


def test_tiles_do_not_jump_for_a_wait(page, daemon):
    opened(page, daemon)
    before = names(page)
    for wait in (700, 3, 900):
        find(daemon, "adult-social-care")["longest_wait_s"] = wait
        find(daemon, "libraries")["waiting"] = wait
        daemon.push()
        page.wait_text("#summary [data-figure=longest_wait_s]",
                       "%d:%02d" % divmod(max(wait, 192), 60))
        assert names(page) == before
    # It does come in the end.
    page.wait("the longest wait first", "document.querySelector("
              "'.tile h3').innerText === 'adult-social-care'", timeout=20)


def test_tiles_move_at_once_when_a_target_is_missed(page, daemon):
    opened(page, daemon)
    find(daemon, "libraries").update(status="red", longest_wait_s=500)
    daemon.push()
    page.wait("libraries first", "document.querySelector("
              "'.tile h3').innerText === 'libraries'", timeout=2)


def test_tiles_stay_under_the_hand(page, daemon):
    opened(page, daemon)
    page.eval("document.querySelector('.tile .term').focus()")
    before = names(page)
    find(daemon, "libraries").update(status="red", waiting=99)
    daemon.push()
    page.wait_text("#summary [data-figure=waiting]", "117")
    assert names(page) == before
    page.eval("document.activeElement.blur()")
    page.wait("libraries among the first", "[...document.querySelectorAll("
              "'.tile h3')].slice(0, 3).some((h) => "
              "h.innerText === 'libraries')", timeout=4)


# -- old figures ----------------------------------------------------------

def test_a_silent_connection_is_noticed(page, daemon):
    opened(page, daemon)
    assert page.text("#link-word") == "Live"
    daemon.silent = True
    page.wait_text(".warning", "No connection for", timeout=6)
    assert "these figures are of 14:32:07" in page.text(".warning")
    assert page.text("#link-word") == "No connection"
    grey = page.eval("getComputedStyle(document.querySelector('main')).filter")
    assert grey == "grayscale(1)"
    said = page.text("#said")
    assert said == "No connection: these figures are of 14:32:07"
    first = page.text(".warning")
    page.wait("it counts on", "(t) => document.querySelector('.warning')"
              ".innerText !== t", first)
    assert page.text("#said") == said       # but is not read out each second
    page.picture("stale-dark")
    daemon.silent = False
    daemon.push()
    page.wait("live again", "document.querySelector('.warning') === null",
              timeout=15)
    assert page.text("#said") == "Connected again: figures are live"
    assert page.text("#link-word") == "Live"


def test_a_daemon_that_comes_back(chromium, daemon):
    page = chromium
    opened(page, daemon)
    daemon.stop()
    page.wait_text(".warning", "No connection for", timeout=6)
    find(daemon, "ctax")["waiting"] = 55
    daemon.start()
    page.wait("the new figure", "document.querySelector('.tile dd')"
              ".innerText === '55'", timeout=10)
    assert page.texts(".warning") == []
    # Nothing but what Chromium says of connections that are refused.
    assert [c for c in page.do("complaints")
            if "ERR_CONNECTION_REFUSED" not in c and
            "ERR_INCOMPLETE_CHUNKED" not in c and
            "ERR_EMPTY_RESPONSE" not in c] == []


def test_before_the_first_figures(page, daemon):
    daemon.silent = True
    page.open(daemon.url)
    assert page.text("#link-word") == "Connecting"
    page.wait_text(".warning", "no figures yet", timeout=6)
    daemon.silent = False
    daemon.push()
    page.wait("tiles", TILE, timeout=15)
    assert page.texts(".warning") == []


def test_a_stale_feed_and_a_database_away_are_said(page, daemon):
    opened(page, daemon)
    assert page.texts(".warning") == []
    daemon.feeds[0]["stale"] = True
    daemon.database["state"] = "backoff"
    daemon.push()
    page.wait_text("#warnings", "The database is away", timeout=3)
    daemon.database["state"] = "connecting"
    daemon.push()
    assert "Feed pbx1-queues is stale, its last event was at 14:32:07" in \
        page.text("#warnings")
    assert "The database is away" in page.text("#warnings")
    assert not page.eval("document.body.classList.contains('stale')")
    daemon.feeds[0]["stale"] = False
    daemon.database["state"] = "ready"
    daemon.push()
    page.wait("no warnings", "document.querySelector('#warnings').hidden",
              timeout=3)


def test_a_switch_with_a_wrong_clock_is_said(page, daemon):
    opened(page, daemon)
    for skew_s, words in ((4.9, None), (307, "5 min behind"),
                          (-42, "42 s ahead"), (None, None)):
        daemon.feeds[0]["clock_skew_s"] = skew_s
        daemon.push()
        if words is None:
            page.wait("no warnings",
                      "document.querySelector('#warnings').hidden", timeout=3)
        else:
            page.wait_text("#warnings", words, timeout=3)


def test_an_answer_that_can_not_be_shown(chromium, daemon):
    """It is asked for again, as one that did not come."""
    opened(chromium, daemon)
    daemon.calls, kept = [None], daemon.calls
    daemon.push()
    poll("the broken one is asked for", lambda: sum(
        "/api/v1/calls" in path for path in daemon.asked) == 2)
    kept[0]["queue"] = "another"
    daemon.calls = kept
    daemon.push()
    chromium.wait_text("#callbacks", "another")
    assert len(chromium.do("complaints")) == 1


def test_chart_and_callbacks_follow_the_snapshots(page, daemon):
    """They are asked for anew when a snapshot says so, and not otherwise."""
    opened(page, daemon)

    def asked(what):
        return sum("/api/v1/" + what in path for path in daemon.asked)

    page.do("click", at="#as-table")
    before = asked("calls"), asked("intervals")
    for n in range(31, 35):
        find(daemon, "ctax")["waiting"] = n
        daemon.push()
        page.wait("the figure", "(n) => document.querySelector('.tile dd')"
                  ".innerText === n", str(n))
    assert (asked("calls"), asked("intervals")) == before == (1, 1)
    daemon.calls[0]["queue"] = "another"
    daemon.push()
    page.wait_text("#callbacks", "another", timeout=3)
    daemon.intervals[-1]["offered"] = 777
    daemon.queues[0]["today"]["offered"] += 1
    daemon.push()
    page.wait_text("#intervals", "777", timeout=3)
    assert (asked("calls"), asked("intervals")) == (2, 2)


def test_why_the_stream_is_refused(chromium, daemon):
    page = chromium
    daemon.refuses = 503, "too many streams are open"
    page.open(daemon.url)
    page.wait_text("#warnings", "The daemon refuses this page: "
                                "too many streams are open")
    daemon.refuses = None
    page.wait("tiles", TILE)
    assert page.texts(".warning") == []
    # Nothing but what Chromium says of an answer that is an error.
    assert [c for c in page.do("complaints") if "503" not in c] == []


@pytest.mark.parametrize("state,says", [
    ("loading", "Nothing is known yet: today's figures are being loaded"),
    ("backoff", "Nothing is known yet: the database is away"),
    ("standby", "Nothing is known here: another daemon counts"),
])
def test_nothing_known_is_not_nought(page, daemon, state, says):
    queues, daemon.queues, daemon.complete = daemon.queues, [], False
    daemon.database["state"] = state
    page.open(daemon.url)
    page.wait_text("#warnings", says)
    assert "what you see is right" not in page.text("#warnings")
    assert page.text("#summary [data-figure=waiting] dd") == "–"
    daemon.queues, daemon.complete = queues, True
    daemon.database["state"] = "ready"
    daemon.push()
    page.wait("tiles", TILE)
    assert page.texts(".warning") == []


def test_a_day_that_is_not_complete_is_said(page, daemon):
    daemon.complete = False
    opened(page, daemon)
    page.wait_text("#warnings", "Today is not complete")


# -- chosen by address ----------------------------------------------------

def test_the_address_chooses(page, daemon):
    opened(page, daemon, "?queue=housing&queue=waste&title=North+team"
                         "&theme=light&other=1")
    assert names(page) == ["waste", "housing"]
    assert page.text("#title") == "North team"
    assert page.eval("document.documentElement.dataset.theme") == "light"
    asked = {a for a in daemon.asked if a.startswith("/api/v1/")}
    assert asked == {"/api/v1/formulas"} | {
        "/api/v1/%s?queue=housing&queue=waste" % what
        for what in ("stream", "calls", "intervals")}


def test_a_service_has_its_target(page, daemon):
    opened(page, daemon, "?service=Council+Tax")
    assert page.text("#title") == "Council Tax"
    assert "in a row to reach 85%" in \
        page.text("#summary [data-figure=level]")
    opened(page, daemon, "?by=service")
    assert "Council Tax" in names(page) and "No service" in names(page)
    assert page.text("#queues-head") == "Services"


def test_the_chooser_makes_an_address(page, daemon):
    opened(page, daemon)
    page.do("click", at="#choose")
    page.wait("the dialog", "document.querySelector('#chooser').open")
    page.do("click", at="input[name=what][value=queue]")
    page.do("click", at="input[name=queue][value=waste]")
    page.do("click", at="#own-title")
    page.do("type", text="Bins & bags")
    page.do("pick", at="#own-rotate", value="60")
    wanted = daemon.url + "?queue=waste&title=Bins+%26+bags&rotate=60"
    assert page.text("#own-url") == wanted
    page.do("click", at="#choice button[type=submit]")
    page.wait("that screen", "document.querySelector('#title').innerText"
                             " === 'Bins & bags'")
    assert page.eval("location.href") == wanted
    page.wait("tiles", TILE)
    assert names(page) == ["waste"]


def test_no_address_of_too_many_names(page, daemon):
    daemon.queues = mock.council(65)
    opened(page, daemon)
    page.do("click", at="#choose")
    page.wait("the dialog", "document.querySelector('#chooser').open")
    page.do("click", at="input[name=what][value=queue]")
    page.eval("document.querySelectorAll('input[name=queue]')"
              ".forEach((i) => i.click())")
    assert "64 names" in page.text("#own-limit")
    page.do("click", at="#choice button[type=submit]")
    assert page.eval("document.activeElement.id") == "own-limit"
    assert page.eval("location.search") == ""
    page.eval("document.querySelector('input[name=queue]').click()")
    assert page.texts("#own-limit") == []


# -- room -----------------------------------------------------------------

SPILLS = """() => [...document.querySelectorAll(`.tile article, .tile dd,
	.plan, .status, #summary dd:not(.note), .top, main`)]
	.filter((e) => e.checkVisibility() &&
		(e.scrollWidth > e.clientWidth + 1 ||
		(e.matches('article') && e.scrollHeight > e.clientHeight + 1)))
	.map((e) => `${e.className || e.tagName}: ${e.innerText.slice(0, 60)} ` +
		`${e.scrollWidth}/${e.clientWidth} ` +
		`${e.scrollHeight}/${e.clientHeight}`)"""
WIDER = "document.documentElement.scrollWidth > innerWidth"
TALLER = "document.documentElement.scrollHeight > innerHeight"


@pytest.mark.parametrize("size", ["wall", "desk", (1280, 720), (3840, 2160)])
@pytest.mark.parametrize("n", [1, 2, 5, 12, 60])
def test_all_fits_the_wall(page, daemon, n, size):
    daemon.queues = mock.council(n)
    first = daemon.queues[0]
    first.update(queue=LONG, service=LONG, longest_wait_s=4712, waiting=134,
                 calls_to_target=12345)
    first["today"].update(target_pct=100.0, abandoned_pct=100.0)
    opened(page, daemon, size=size)
    assert page.eval(SPILLS) == []
    assert not page.eval(WIDER) and not page.eval(TALLER)
    small = page.eval("Math.min(...[...document.querySelectorAll("
                      "'.tile:not([hidden]) *')].map((e) => "
                      "parseFloat(getComputedStyle(e).fontSize)))")
    assert small >= 12
    page.picture("queues-%d-%s" % (n, size if isinstance(size, str) else
                                   "%dx%d" % size))


@pytest.mark.parametrize("size", ["phone", (320, 640), (768, 1024)])
def test_all_is_on_a_phone(page, daemon, size):
    daemon.queues = mock.council(60)
    daemon.queues[0].update(queue=LONG, longest_wait_s=4712)
    opened(page, daemon, size=size)
    assert len(names(page)) == 60
    assert page.texts("#pager") == []
    assert page.eval(SPILLS) == []
    assert not page.eval(WIDER)


MEETING = """() => [...document.querySelectorAll("#summary > div")]
	.flatMap((e) => [...e.querySelectorAll("dd")].map((dd) => {
		const range = document.createRange();
		range.selectNodeContents(dd);
		const cut = getComputedStyle(dd).overflow === "hidden";
		const { left, right, top, bottom } = (cut ? dd : range)
			.getBoundingClientRect();
		return { left, right, top, bottom, said: dd.innerText };
	})).filter((a) => a.right > a.left)
	.flatMap((a, i, all) => all.slice(i + 1).filter((b) =>
		a.left < b.right - 1 && b.left < a.right - 1 &&
		a.top < b.bottom - 1 && b.top < a.bottom - 1)
		.map((b) => `${a.said} on ${b.said}`))"""
REASONS = ("Break", "Lunch", "Wrap-up/admin", "Training", "Team meeting",
           "Coaching with supervisor", "A reason that somebody typed in")


@pytest.mark.parametrize("size", ["desk", (1280, 720), (320, 640)])
def test_figures_do_not_meet(page, daemon, size):
    """Paused for many reasons, and a wait of more than a day."""
    daemon.queues = mock.council(3)
    agents = daemon.queues[0]["agents"]
    agents.update(paused=17)
    agents["paused_by_reason"] = {reason: 30 for reason in REASONS}
    daemon.queues[0].update(longest_wait_s=89500, calls_to_target=12345,
                            waiting=134)
    daemon.queues[0]["today"].update(target_pct=100.0)
    opened(page, daemon, size=size)
    assert page.text("#summary [data-figure=longest_wait_s] dd") == \
        "24:51:40"
    assert page.eval(MEETING) == []
    assert page.eval(SPILLS) == []
    assert not page.eval(WIDER)


def test_pages_turn_and_can_be_held(page, daemon):
    daemon.queues = mock.council(60)
    opened(page, daemon, "?rotate=3")
    seen = set(names(page))
    assert page.text("#page-word") == "1 of 5"
    page.wait_text("#page-word", "2 of 5", timeout=6)
    page.do("click", at="#page-hold")
    assert page.eval("document.querySelector('#page-hold').ariaPressed") == \
        "true"
    at = page.text("#page-word")
    time.sleep(4.5)
    assert page.text("#page-word") == at
    for _ in range(5):
        seen |= set(names(page))
        page.do("click", at="#page-on")
    assert len(seen) == 60


def test_pages_rest_where_motion_is_unwelcome(page, daemon):
    daemon.queues = mock.council(60)
    opened(page, daemon, motion="reduce")
    assert page.text("#page-word") == "1 of 5"
    page.do("click", at="#page-on")
    assert page.text("#page-word") == "2 of 5"


# -- for everybody --------------------------------------------------------

@pytest.mark.parametrize("size", ["wall", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(page, daemon, scheme, size):
    opened(page, daemon, scheme=scheme, size=size)
    assert page.eval("document.documentElement.dataset.theme") == scheme
    page.picture("%s-%s" % (size, scheme), full=size == "phone")
    states = {"as it comes": lambda: None,
              "with a table": lambda: page.do("click", at="#as-table"),
              "with a tip": lambda: page.eval(
                  "document.querySelector('.tile .term').focus()"),
              "stale": lambda: page.wait_text(".warning", "No connection", 8),
              "choosing": lambda: page.do("click", at="#choose")}
    for state, make in states.items():
        if state == "stale":
            daemon.feeds[0]["stale"] = True
            daemon.push()
            page.wait_text(".warning", "stale")
            daemon.silent = True
        make()
        found = page.do("axe")
        assert found["passes"] > 20
        assert found["violations"] == [], state
    page.picture("chooser-%s-%s" % (size, scheme))


PAIRS = (("ink", "ground"), ("ink", "card"), ("ink", "inset"),
         ("muted", "card"), ("muted", "ground"), ("muted", "inset"),
         ("red-ink", "card"), ("on-red", "red"), ("on-amber", "amber"),
         ("on-green", "green"), ("green", "card"))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_can_be_told_apart(page, daemon, theme):
    opened(page, daemon, "?theme=" + theme)

    def colour(name):
        return page.eval("(n) => getComputedStyle(document.documentElement)"
                         ".getPropertyValue(n).trim()", "--" + name)

    for ink, ground in PAIRS:
        assert colours.contrast(colour(ink), colour(ground)) >= 4.5, \
            (ink, ground)
    # What is no text: the edges of controls, the line of the chart, focus.
    for ink in ("edge", "line", "focus"):
        assert colours.contrast(colour(ink), colour("card")) >= 3, ink
    states = [colour(name) for name in ("green", "amber", "red")]
    for kind in (None, *colours.BLIND):
        for one, other in ((0, 1), (1, 2), (0, 2)):
            assert colours.difference(states[one], states[other],
                                      kind) >= 20, (kind, one, other)


def test_states_differ_in_word_and_shape(page, daemon):
    opened(page, daemon)
    said = page.eval("""() => Object.fromEntries(
	[...document.querySelectorAll('.tile')].map((t) => [t.dataset.status,
	[t.querySelector('.status').innerText.trim(),
	t.querySelector('use').getAttribute('href')]]))""")
    assert said["green"] == ["On target", "#shape-green"]
    assert said["amber"] == ["Near target", "#shape-amber"]
    assert said["red"] == ["Off target", "#shape-red"]
    assert len({shape for _, shape in said.values()}) == len(said)


def test_keyboard_alone(page, daemon):
    opened(page, daemon)

    def focused():
        return page.eval("document.activeElement.id || "
                         "document.activeElement.innerText")

    page.do("press", key="Tab")
    assert focused() == "Skip to the queues"
    assert page.eval("document.activeElement.getBoundingClientRect().top") > 0
    page.do("press", key="Tab")
    assert focused() == "choose"
    assert page.eval("getComputedStyle(document.activeElement).outlineWidth") \
        == "3px"
    page.do("press", key="Enter")
    page.wait("the dialog", "document.querySelector('#chooser').open")
    page.do("press", key="Escape")
    page.wait("closed", "!document.querySelector('#chooser').open")
    assert focused() == "choose"
    page.do("press", key="Tab")
    page.do("press", key="Enter")
    assert page.eval("document.documentElement.dataset.theme") == "light"
    for _ in range(4):
        page.do("press", key="Tab")     # the figures of the summary
    page.do("press", key="Tab")
    assert page.eval("document.activeElement.closest('.tile') !== null")
    page.wait("the tip", "!document.querySelector('#tip').hidden")
    # Arrows within a tile, Tab to the next one.
    for _ in range(2):
        page.do("press", key="ArrowRight")
    assert focused() == "In 20 s today"
    page.wait_text("#tip", "answered_20 / offered")
    page.do("press", key="Escape")
    assert page.eval("document.querySelector('#tip').hidden")
    for name in names(page)[1:]:
        page.do("press", key="Tab")
        assert page.eval("document.activeElement.closest('.tile')"
                         ".querySelector('h3').innerText") == name
    page.do("press", key="Tab")
    assert focused() == "of"
    page.do("press", key="Tab")
    page.do("press", key="Enter")
    page.wait("the table", "!document.querySelector('#table-box').hidden")


def test_theme_is_remembered(page, daemon):
    opened(page, daemon, scheme="dark")
    page.do("click", at="#theme")
    assert page.eval("document.documentElement.dataset.theme") == "light"
    opened(page, daemon, scheme="dark")
    assert page.eval("document.documentElement.dataset.theme") == "light"
    page.eval("localStorage.clear()")


def test_a_screen_reader_is_told_changes_only(page, daemon):
    opened(page, daemon)
    assert page.text("#said") == ""
    find(daemon, "housing")["waiting"] = 30
    daemon.push()
    page.wait_text("#summary [data-figure=waiting]", "47")
    assert page.text("#said") == ""
    find(daemon, "housing").update(status="amber")
    daemon.push()
    page.wait_text("#said", "housing: near target, 86.9%", timeout=3)
    assert page.eval("[...document.querySelectorAll('[aria-live], "
                     "[role=alert], [role=status]')].map((e) => e.id)") == \
        ["said"]
    assert page.eval("[...document.querySelectorAll('h1, h2, h3')].filter("
                     "(h) => h.checkVisibility()).map((h) => h.tagName)"
                     ".slice(0, 4)") == ["H1", "H2", "H2", "H3"]


def test_other_peoples_styles(page, daemon):
    """Forced colours, and text at twice its size."""
    opened(page, daemon)
    page.do("media", forced="active")
    assert page.do("axe")["violations"] == []
    page.picture("forced-colours")
    page.do("media", forced="none")
    page.do("size", width=960, height=540)      # what zoom at 200 % leaves
    assert page.eval(SPILLS) == [] and not page.eval(WIDER)
