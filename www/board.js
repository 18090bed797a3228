// SPDX-License-Identifier: BSD-2-Clause
// The wallboard. A snapshot comes each second with the whole picture, so that
// nothing is kept here but what is on the screen; when none comes, the page
// says so and greys what it shows.
//
// In the address: queue=, service=, switch= (again and again), by=service,
// title=, theme=dark or light, rotate=seconds; and behind all #token=.

import { Clock, put } from "./format.js";
import { FIGURES, commonTarget, level, settleWithin } from "./figures.js";
import { Changes, Tiles, fill } from "./tiles.js";
import { Again, Link, ask } from "./link.js";
import { Tip } from "./tip.js";
import { Today } from "./today.js";
import { chooser } from "./chooser.js";
import { showCallbacks } from "./callbacks.js";
import { takeToken } from "./token.js";
import { themes } from "./theme.js";
import { Silence, knowsNothing, say, warnOfDatabase, warnOfFeeds, warnOfRefusal }
	from "./warnings.js";

const $ = (id) => document.getElementById(id);

const SAY_EVERY_MS = 30000;	// changes of queues, to a screen reader
const FORMULAS_AGAIN_MS = 15000;

const query = new URLSearchParams(location.search);
const config = {
	queues: query.getAll("queue"),
	services: query.getAll("service"),
	by: query.get("by") === "service" ? "service" : "queue",
	title: query.get("title"),
	theme: query.get("theme"),
	rotate: query.get("rotate"),
};
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const asked = Number.parseFloat(config.rotate ?? (calm ? "0" : "20"));
config.rotate_s = asked > 0 ? Math.max(asked, 3) : 0;

// What the API is asked for: the filters of the address, or one item in place
// of its queues and services.
function filters(one = null) {
	const keys = one?.twice ? [] : one ? ["switch"] :
		["queue", "service", "switch"];
	const asks = [...query].filter(([key]) => keys.includes(key));
	if (one)
		asks.push([config.by, one.name]);
	if (one?.twice)
		asks.push(["switch", one.switch]);
	const text = new URLSearchParams(asks).toString();
	return text === "" ? "" : `?${text}`;
}

const clock = new Clock();
const changes = new Changes();
const tiles = new Tiles(config, matchMedia(
	"(min-width: 75rem) and (min-height: 42rem)"));
const today = new Today(clock);
const silence = new Silence(clock);
// What is of this second is in no table of the daemon's.
const tip = new Tip((term) => {
	const tile = term.closest(".tile");
	const item = tile ? tiles.item_of.get(tile) : whole;
	const { formula } = FIGURES[term.closest("[data-figure]")
		.dataset.figure];
	return item && typeof formula === "function" ? formula(item) :
		item && formula;
}, [
	{ name: "waiting now", formula: "arrived − ended",
		help: "Visits in the queue at this moment." },
	{ name: "longest wait", formula: "now − arrival",
		help: "Of the caller who has waited longest and still waits." },
]);

let picture = null;	// the newest snapshot
let whole = null;	// what the summary stands for
let to_say = [];
let said_at = -Infinity;

// -- what is said

function sayChanges(now) {
	if (to_say.length === 0 || now - said_at < SAY_EVERY_MS)
		return;
	const more = to_say.length - 4;
	say(to_say.slice(0, 4).join("; ") + (more > 0 ? `; ${more} more` : ""));
	to_say = [];
	said_at = now;
}


// -- what is shown

function named(item) {
	const service = config.by === "service";
	const name = service ? item.service ?? "No service" : item.queue;
	const beside = service ?
		(item.queues ?? []).map((q) => q.queue).join(", ") : item.service;
	return { ...item, name, beside: beside === name ? "" : beside,
		key: service ? `${item.service}` : `${item.switch}\0${item.queue}` };
}

// A name alone may be that of two switches' queues.
function apart(items) {
	const seen = new Map();
	for (const item of items)
		seen.set(item.name, (seen.get(item.name) ?? 0) + 1);
	return items.map((item) => seen.get(item.name) > 1 && item.switch ?
		{ ...item, twice: true, beside: [item.switch, item.beside]
			.filter(Boolean).join(" · ") } : item);
}

function showTitle(snapshot) {
	const title = config.title ?? (config.services.length > 0 ?
		config.services.join(", ") : snapshot.site ?? "Wallboard");
	put($("title"), title);
	const n = whole.waiting;
	const head = n > 0 ? `${n} waiting – ${title}` : title;
	if (document.title !== head)
		document.title = head;
	put($("version"), snapshot.version ? `ringtally ${snapshot.version}` : "");
}

// One queue or one service alone has a target; a sum of several has none.
function wholeOf(snapshot) {
	if (snapshot.queues.length === 1)
		return snapshot.queues[0];
	if (snapshot.services.length === 1 && config.queues.length === 0)
		return snapshot.services[0];
	// Nought is not known either while nothing is.
	if (knowsNothing(snapshot))
		return {};
	return { ...snapshot.total, target: commonTarget(snapshot.queues) };
}

function showSummary() {
	fill($("summary"), whole);
	$("summary").querySelector(".level").dataset.status =
		whole.status ?? "none";
	put($("queues-head"), config.by === "service" ? "Services" : "Queues");
}

// In the list of the chart: with the switch where the name alone is of two.
function choiceOf(item) {
	return item.twice ? `${item.name} (${item.switch})` : item.name;
}

function fillOf(items) {
	const select = $("of");
	const sorted = items.filter((item) => config.by === "queue" ||
		item.service != null).sort((a, b) =>
		choiceOf(a).localeCompare(choiceOf(b)));
	const texts = sorted.map(choiceOf);
	const there = [...select.options].slice(1).map((o) => o.textContent);
	if (texts.join("\0") === there.join("\0"))
		return;
	const was = select.value;
	select.replaceChildren(select.options[0], ...sorted.map((item, i) => {
		const option = document.createElement("option");
		option.value = item.key;
		option.textContent = texts[i];
		return option;
	}));
	select.value = sorted.some((item) => item.key === was) ? was : "";
}

function showClock() {
	put($("clock"), clock.second(clock.now()));
	put($("date"), clock.day(clock.now()));
}

let items = [];

function show(snapshot) {
	const first = picture === null;
	const now = performance.now();
	picture = snapshot;
	clock.settle(snapshot.timezone);
	clock.set(snapshot.time);
	showClock();
	settleWithin(snapshot);
	whole = wholeOf(snapshot);
	items = apart((config.by === "service" ? snapshot.services :
		snapshot.queues).map(named));
	tiles.show(items, now);
	showSummary();
	showTitle(snapshot);
	fillOf(items);
	to_say.push(...changes.of(items));
	sayChanges(now);
	warnOfRefusal(null);
	warnOfFeeds(snapshot.feeds, clock);
	warnOfDatabase(snapshot);
	silence.look(link.silence(), picture.time);
	calls.look(snapshot.callbacks_version);
	intervals.look(todayKey());
	if (first)
		askForFormulas();
}

// -- what is asked for beside the stream

async function askForCalls() {
	const answer = await ask("calls", filters());
	if (answer)
		showCallbacks(answer, clock);
	return answer !== null;
}

// What the chart is of: one of the list, or all.
function chosen() {
	return items.find((item) => item.key === $("of").value);
}

// Of what the chart draws, added up; and where its last interval is.
function todayKey() {
	const item = chosen() ?? whole;
	const { offered, answered, abandoned, waiting } = item.today ?? {};
	return [$("of").value, offered, answered, abandoned, waiting,
		item.today && level(item, item.today), today.interval(picture.time)]
		.join();
}

async function askForToday() {
	const key = $("of").value;
	const answer = await ask("intervals", filters(chosen()));
	// Meanwhile another may have been chosen.
	if (answer && key === $("of").value)
		today.show(answer, chosen() ?? whole);
	return answer !== null && key === $("of").value;
}

const calls = new Again(askForCalls);
const intervals = new Again(askForToday);

async function askForFormulas() {
	const answer = await ask("formulas", "");
	if (answer)
		tip.learn(answer.formulas);
	else
		setTimeout(askForFormulas, FORMULAS_AGAIN_MS);
}

function tick() {
	showClock();
	silence.look(link.silence(), picture?.time ?? null);
	sayChanges(performance.now());
}

takeToken();
addEventListener("hashchange", takeToken);
themes(config, () => today.repaint());
$("of").addEventListener("change", askForToday);
chooser(config);
const link = new Link(`api/v1/stream${filters()}`, {
	snapshot: show,
	missed: (n) => silence.missed(n),
	refused: warnOfRefusal,
});
tick();
setInterval(tick, 250);
