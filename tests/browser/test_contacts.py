# SPDX-License-Identifier: BSD-2-Clause
"""The page of avoidable contact, with a daemon that is played: no figure
without its coverage, what is inferred apart, and that everybody can read it."""
import json
import os
import time

import pytest

import colours
import harness
import mock_contacts
from harness import poll

READY = "document.querySelectorAll('#categories tr').length > 0"
MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>Tax</b>"
LONG = "Revenues-and-Benefits-Overflow-Team-Weekends-" * 4
WIDER = "document.documentElement.scrollWidth > innerWidth"
TALLER = "document.documentElement.scrollHeight > innerHeight"


def opened(page, daemon, query="", **kwargs):
    page.open(daemon.url + "contacts.html" + query, **kwargs)
    page.wait("the figures", READY)


def figure(page, period, name):
    return page.text("#%s [data-figure=%s] dd" % (period, name))


def note(page, period, name):
    return page.text("#%s .note[data-figure=%s]" % (period, name))


def rows(page, body):
    return [row.split("\t") for row in page.texts("#%s tr" % body)]


# -- what is shown --------------------------------------------------------

def test_both_definitions_with_their_coverage(page, daemon):
    """By hand: 125 of 312 assessed are avoidable, 312 of 487 were assessed;
    487 contacts for 171 requests."""
    opened(page, daemon)
    today = daemon.contacts["today"]
    assert (today["avoidable"], today["assessed"]) == (125, 312)
    assert figure(page, "today", "ni14_pct") == "40.1%"
    # Wilson by hand: 0.40064 of 312, z = 1.96: 34.78 to 45.59.
    assert note(page, "today", "ni14_range") == "95 %: 34.8% to 45.6%"
    assert figure(page, "today", "coverage_pct") == "64.1%"
    assert note(page, "today", "assessed") == "312 of 487"
    assert page.text("#today .why") == \
        "175 not assessed: they count in neither part"
    assert figure(page, "today", "contacts_per_request") == "2.85"
    assert note(page, "today", "requests") == "487 for 171 requests"
    assert figure(page, "today", "fcr_pct") == "77.9%"
    assert figure(page, "month", "ni14_pct") == "41.7%"
    assert figure(page, "month", "coverage_pct") == "67.4%"
    assert page.eval("getComputedStyle(document.querySelector("
                     "'#today .bar')).getPropertyValue('--share')") == "64.1%"


def test_no_figure_but_why(page, daemon):
    """Below the configured coverage there is a dash, and the reason."""
    daemon.contacts["today"] = mock_contacts.figures(487, 100, 40, 0, 0, 0, 0)
    daemon.contacts["last_28_days"] = mock_contacts.figures(0, 0, 0, 0, 0, 0,
                                                            0)
    opened(page, daemon)
    assert figure(page, "today", "ni14_pct") == "–"
    assert note(page, "today", "ni14_range") == ""
    assert figure(page, "today", "coverage_pct") == "20.5%"
    assert page.text("#today .why") == \
        "20.5 % of the contacts were assessed, 50 % are asked for"
    assert figure(page, "today", "contacts_per_request") == "–"
    assert page.text("#month .why") == "no contacts"
    assert figure(page, "month", "coverage_pct") == "–"


def test_weeks_that_are_being_counted(page, daemon):
    """After a long back-fill: today is known, and the rest says why not."""
    month = daemon.contacts["last_28_days"]
    daemon.contacts["last_28_days"] = {**dict.fromkeys(month), "ni14_why":
                                       "12 days are being counted"}
    daemon.contacts.update(channels=[], services=[], categories=[])
    page.open(daemon.url + "contacts.html")
    page.wait_text("#today [data-figure=ni14_pct]", "40.1%")
    assert page.text("#month .why") == "12 days are being counted"
    assert figure(page, "month", "ni14_pct") == "–"
    assert note(page, "month", "assessed") == ""
    for table in ("services", "channels"):
        assert page.text("#" + table) == "12 days are being counted"


def test_what_is_inferred_stands_apart(page, daemon):
    opened(page, daemon)
    said = page.text("#inferred")
    assert "Inferred from today" in said
    assert "Nobody judged these: they are no part of NI 14." in said
    assert "is not yet known" in said
    assert page.texts("#inferred dd:not(.note)") == ["5.7%", "2.4%", "59.1%"]
    assert "137 of 2,410 known callers" in page.texts("#inferred .note")
    assert page.eval("getComputedStyle(document.querySelector('#inferred'))"
                     ".borderTopStyle") == "dashed"
    # An older daemon knows nothing of it, and no figure is made up.
    for queue in daemon.queues:
        for name in mock_contacts.INFERRED:
            queue["today"].pop(name, None)
    daemon.total_without = tuple(mock_contacts.INFERRED)
    daemon.push()
    page.wait_text("#inferred", "infers nothing", timeout=3)
    assert page.texts("#inferred dl") == []


def test_pareto_is_chart_and_table(page, daemon):
    opened(page, daemon)
    sets = page.eval("Chart.getChart('chart').data.datasets.map("
                     "(d) => [d.label, d.data])")
    assert [name for name, _ in sets] == ["Together", "Avoidable",
                                          "Not avoidable"]
    shares = [c["share_pct"] for c in daemon.contacts["categories"]]
    assert sets[0][1] == pytest.approx(
        [min(100, sum(shares[:i + 1])) for i in range(len(shares))])
    assert sets[1][1] == [None, 968, 512, 341, 290, 171]
    assert sets[2][1] == [3187, None, None, None, None, None]
    assert "Not avoidable 58.3%, Progress chasing 17.7%" in \
        page.eval("document.querySelector('#chart').ariaLabel")
    page.do("click", at="#as-table")
    assert page.texts("#chart") == []
    assert rows(page, "categories")[1] == [
        "Progress chasing", "yes", "968", "17.7%", "61"]
    assert rows(page, "categories")[0][1] == "no"


def test_where_it_rises(page, daemon):
    opened(page, daemon)
    shown = rows(page, "services")
    assert [row[0] for row in shown] == [
        s["service"] for s in daemon.contacts["services"]]
    assert shown[0][1:5] == ["911", "47.0%", "70.3%", "39.7%"]
    assert shown[0][5].startswith("▲ +7.3")
    assert page.eval("document.querySelector('#services tr td:last-child')"
                     ".textContent").endswith("rises")
    assert shown[-2][5].startswith("▼ −4.3")
    assert shown[-1][1:5] == ["522", "–", "31.8%", "–"]
    assert "50 % are asked for" in page.eval(
        "document.querySelector('#services tr:last-child').cells[2].title")
    assert page.text("#services-note") == "3 up"
    opened(page, daemon, "?service=Housing&title=Homes")
    assert [row[0] for row in rows(page, "services")] == ["Housing"]
    for head in ("today", "month", "pareto", "channels"):
        assert page.text("#%s-head" % head).endswith(", all services"), \
            head
    assert page.text("#title") == "Homes"
    assert any(a.startswith("/api/v1/stream?service=Housing")
               for a in daemon.asked)


def test_channels_and_a_sample(page, daemon):
    daemon.contacts["sampling"] = [{
        "name": "November", "starts_on": "2026-11-16",
        "ends_on": "2026-11-27", "running": True, "channel": None,
        "service": None, "why": None, "contacts": 431, "sheet_contacts": 90,
        "sample_size": 400, "avoidable": 72, "ni14_pct": 18.0,
        "ni14_low_pct": 14.5, "ni14_high_pct": 22.1}]
    opened(page, daemon)
    assert rows(page, "channels")[0] == ["Telephone", "5,904", "41.1%",
                                         "62.3%"]
    assert rows(page, "channels")[-1] == ["Chat", "40", "–", "30.0%"]
    assert page.text("#sampling") == \
        "Sample “November”, 2026-11-16 to 2026-11-27, running: 18.0% of " \
        "400 (95 %: 14.5% to 22.1%)"
    daemon.contacts["sampling"] *= 2
    daemon.contacts["as_of"] = "2099-01-01T00:00:00Z"
    daemon.push()
    page.wait_text("#sampling", "22.1%); Sample “November”", timeout=3)


def test_figures_change_with_the_stream(page, daemon):
    opened(page, daemon)
    daemon.contacts["as_of"] = "2099-01-01T00:00:00Z"
    daemon.contacts["today"] = mock_contacts.figures(488, 313, 150, 171, 233,
                                                     268, 344)
    daemon.push()
    page.wait_text("#today [data-figure=ni14_pct]", "47.9%", timeout=3)
    # Told, since it is another figure; a tenth more would not be.
    page.wait_text("#said", "NI 14 today: 47.9%, coverage 64.1%")
    daemon.contacts["today"] = mock_contacts.figures(489, 314, 151, 171, 233,
                                                     268, 344)
    daemon.push()
    page.wait_text("#today [data-figure=ni14_pct]", "48.1%", timeout=3)
    assert page.text("#said") == "NI 14 today: 47.9%, coverage 64.1%"


def test_formulas_on_hover_and_on_focus(page, daemon):
    opened(page, daemon)
    page.do("hover", at="#today [data-figure=ni14_pct] .term")
    page.wait_text("#tip", "avoidable / assessed")
    page.do("press", key="Escape")
    page.wait("no tip", "document.querySelector('#tip').hidden")
    page.eval("document.querySelector("
              "'#month [data-figure=coverage_pct] .term').focus()")
    page.wait_text("#tip", "assessed / contacts")
    assert "at least 50% must be assessed" in page.text("#tip")
    page.eval("document.querySelector('#inferred .term').focus()")
    page.wait_text("#tip", "repeated / caller_known")
    page.eval("document.querySelector("
              "'.services [data-formula=rise_points]').focus()")
    page.wait_text("#tip", "ni14_pct − before_pct")


def test_the_sample_is_as_described():
    """What stands in openapi.json of contacts, of a document and of none."""
    jsonschema = pytest.importorskip(
        "jsonschema", reason="python3-jsonschema is not installed")
    with open(os.path.join(harness.TOP, "www", "openapi.json")) as f:
        components = json.load(f)["components"]
    schema = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/ContactsDocument",
         "components": components})
    sample = {"time": "2026-11-20T14:32:07Z", **mock_contacts.document()}
    assert [e.message for e in schema.iter_errors(sample)] == []
    assert schema.is_valid({**sample, "last_28_days": {
        **dict.fromkeys(sample["today"]), "ni14_why": "being counted"}})
    assert schema.is_valid({"time": sample["time"], "as_of": None,
                            "age_s": None, "stale": True})
    for wrong in ({"as_of": "now"}, {"today": {}}, {"age_s": -1},
                  {"channels": [{"channel": "web"}]}, {"more": 1}):
        assert not schema.is_valid({**sample, **wrong}), wrong


# -- old figures ----------------------------------------------------------

def test_a_database_that_is_away_is_said(page, daemon):
    opened(page, daemon)
    assert page.texts(".warning") == []
    assert "As of 14:32:05" in page.text("footer")
    daemon.contacts.update(stale=True, age_s=300)
    daemon.push()
    page.wait_text(".warning", "The database is away: contacts are as of "
                               "14:32:05, 5 min ago", timeout=3)
    assert page.eval("getComputedStyle(document.querySelector('#today'))"
                     ".filter") == "grayscale(1)"
    # What comes from the daemon's own memory is not old.
    assert page.eval("getComputedStyle(document.querySelector('#inferred'))"
                     ".filter") == "none"
    assert page.text("#said") == \
        "The database is away: contacts are not up to date"
    page.picture("contacts-old")
    daemon.contacts.update(stale=False, age_s=1)
    daemon.push()
    page.wait("no warning", "document.querySelector('.warning') === null",
              timeout=3)


def test_a_silent_connection_is_noticed(page, daemon):
    opened(page, daemon)
    daemon.silent = True
    page.wait_text(".warning", "No connection for", timeout=6)
    assert page.eval("getComputedStyle(document.querySelector('main')).filter"
                     ) == "grayscale(1)"
    daemon.silent = False
    daemon.push()
    page.wait("live again", "document.querySelector('.warning') === null",
              timeout=15)


def test_before_the_first_document(chromium, daemon):
    page = chromium
    daemon.contacts = None
    page.open(daemon.url + "contacts.html")
    page.wait_text(".warning", "No figures of contacts yet", timeout=6)
    assert figure(page, "today", "ni14_pct") == "–"
    assert page.eval("document.querySelectorAll('#categories tr').length") \
        == 0
    daemon.contacts = mock_contacts.document()
    daemon.push()
    page.wait_text("#today [data-figure=ni14_pct]", "40.1%", timeout=5)
    assert page.texts(".warning") == []
    assert [c for c in page.do("complaints") if "404" not in c] == []


# -- names ----------------------------------------------------------------

def test_markup_in_names_is_text(page, daemon):
    daemon.contacts["services"][0]["service"] = MARKUP
    daemon.contacts["channels"][0]["label"] = MARKUP
    daemon.contacts["categories"][0]["label"] = MARKUP + "\u202e\n"
    daemon.contacts["sampling"] = [{"name": MARKUP, "ni14_pct": None}]
    daemon.contacts["today"]["ni14_why"] = MARKUP
    opened(page, daemon, "?title=%3Cb%3Etitle")
    page.do("click", at="#as-table")
    for at in ("#services", "#channels", "#categories", "#sampling",
               "#today .why"):
        assert MARKUP in page.text(at), at
    assert page.eval("document.querySelectorAll("
                     "'main img, main bdi *, h1 *, .why *').length") == 0
    assert page.eval("document.title") == "<b>title"


# -- room, and for everybody ----------------------------------------------

SPILLS = """() => [...document.querySelectorAll(`.card, .card dd:not(.note),
	.card .term, .top, main`)]
	.filter((e) => e.checkVisibility() &&
		(e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 ||
		(e.matches('.card') && e.scrollHeight > e.clientHeight + 1)))
	.map((e) => `${e.className || e.tagName}: ${e.innerText.slice(0, 60)} ` +
		`${e.scrollWidth}/${e.clientWidth} ` +
		`${e.scrollHeight}/${e.clientHeight}`)"""


@pytest.mark.parametrize("size", ["wall", "desk", (1280, 720), (3840, 2160)])
def test_all_fits_the_wall(page, daemon, size):
    daemon.contacts["services"] = [
        {**s, "service": "%s %d" % (s["service"], i)}
        for i in range(12) for s in daemon.contacts["services"]]
    daemon.contacts["services"][0]["service"] = LONG
    daemon.contacts["channels"][0]["label"] = LONG
    daemon.contacts["categories"][0]["label"] = LONG
    opened(page, daemon, size=size)
    assert page.eval(SPILLS) == []
    assert not page.eval(WIDER) and not page.eval(TALLER)
    assert page.eval("document.querySelector('#chart-box').clientHeight") > 150
    # No table is so low that it shows nothing.
    assert page.eval("Math.min(...[...document.querySelectorAll("
                     "'.table-box')].map((e) => e.clientHeight))") > 90


@pytest.mark.parametrize("size", ["phone", (320, 640), (768, 1024)])
def test_all_is_on_a_phone(page, daemon, size):
    daemon.contacts["services"][0]["service"] = LONG
    opened(page, daemon, size=size)
    assert page.eval(SPILLS) == []
    assert not page.eval(WIDER)


@pytest.mark.parametrize("size", ["wall", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(page, daemon, scheme, size):
    opened(page, daemon, scheme=scheme, size=size)
    page.picture("contacts-%s-%s" % (size, scheme), full=size == "phone")
    states = {"as it comes": lambda: None,
              "with a table": lambda: page.do("click", at="#as-table"),
              "with a tip": lambda: page.eval(
                  "document.querySelector('.period .term').focus()"),
              "old": lambda: page.wait_text(".warning", "contacts are as of",
                                            5),
              "stale": lambda: page.wait_text(".warning", "No connection", 8)}
    for state, make in states.items():
        if state == "old":
            daemon.contacts["stale"] = True
            daemon.push()
        daemon.silent = state == "stale"
        make()
        found = page.do("axe")
        assert found["passes"] > 20
        assert found["violations"] == [], state


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_bars_can_be_told_apart(page, daemon, theme):
    """Of the chart: from the card they stand on, and from each other."""
    opened(page, daemon, "?theme=" + theme)

    def colour(name):
        return page.eval("(n) => getComputedStyle(document.documentElement)"
                         ".getPropertyValue(n).trim()", "--" + name)

    for kind in (None, *colours.BLIND):
        assert colours.difference(colour("gave-up"), colour("offered"),
                                  kind) >= 20, kind
        assert colours.difference(colour("gave-up"), colour("card"),
                                  kind) >= 20, kind


def test_keyboard_alone(page, daemon):
    opened(page, daemon)

    def focused():
        return page.eval("document.activeElement.id || "
                         "document.activeElement.innerText")

    page.do("press", key="Tab")
    assert focused() == "Skip to the figures"
    page.do("press", key="Tab")
    assert focused() == "Wallboard"
    page.do("press", key="Tab")
    assert focused() == "theme"
    page.do("press", key="Enter")
    assert page.eval("document.documentElement.dataset.theme") == "light"
    page.do("press", key="Tab")
    page.wait_text("#tip", "avoidable / assessed")
    seen = set()
    for _ in range(24):
        seen.add(focused())
        page.do("press", key="Tab")
    assert {"as-table", "Change"} <= seen
    page.eval("localStorage.clear()")


def test_the_pages_lead_to_each_other(page, daemon):
    opened(page, daemon)
    page.do("click", at=".tools a")
    page.wait("tiles", "document.querySelector('.tile') !== null")
    page.do("click", at="footer a")
    page.wait("the figures", READY)
    poll("it is asked for", lambda: "/api/v1/contacts" in daemon.asked)


def test_other_peoples_styles(page, daemon):
    """Forced colours, text at twice its size, and no Chart.js."""
    opened(page, daemon)
    page.do("media", forced="active")
    assert page.do("axe")["violations"] == []
    page.do("media", forced="none")
    page.do("size", width=960, height=540)      # what zoom at 200 % leaves
    assert page.eval(SPILLS) == [] and not page.eval(WIDER)


def test_it_asks_again_where_the_stream_says_nothing(page, daemon):
    """A daemon whose stream knows no contacts is asked each quarter of a
    minute."""
    daemon.streams_contacts = False
    opened(page, daemon)
    asked = daemon.asked.count("/api/v1/contacts")
    daemon.contacts["today"]["ni14_pct"] = 12.3
    began = time.monotonic()
    page.wait_text("#today [data-figure=ni14_pct]", "12.3%", timeout=20)
    assert daemon.asked.count("/api/v1/contacts") > asked
    assert time.monotonic() - began > 1
