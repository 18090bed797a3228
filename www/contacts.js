// SPDX-License-Identifier: BSD-2-Clause
// Avoidable contact (NI 14). Its figures are one document that the database
// works out, and the daemon passes on when it changed: /api/v1/contacts, or the
// event "contacts" of the stream. What is inferred from calls comes with each
// snapshot, from the daemon's own memory.
//
// In the address: service= (again and again), title=, theme=dark or light; and
// behind all #token=.

import { Clock, about, count, put, share, NONE } from "./format.js";
import { ASSESSED, INFERRED, aim, direction, known, points, why, withheld }
	from "./contact_figures.js";
import { Link, ask } from "./link.js";
import { Pareto } from "./pareto.js";
import { Tip } from "./tip.js";
import { takeToken } from "./token.js";
import { themes } from "./theme.js";
import { Silence, warn, warnOfFeeds, warnOfRefusal } from "./warnings.js";

const $ = (id) => document.getElementById(id);

const ASK_EVERY_MS = 15000;	// in case the stream has no such event
const ALOUD_POINTS = 1;		// a change of NI 14 that is worth a word

const query = new URLSearchParams(location.search);
const config = {
	services: query.getAll("service"),
	title: query.get("title"),
	theme: query.get("theme"),
};

const clock = new Clock();
const silence = new Silence(clock);
const pareto = new Pareto();
const tip = new Tip((term) => term.dataset.formula, [
	{ name: "before_pct", formula: "ni14_pct of the 28 days before",
		help: "Before the last 7 days, that is." },
	{ name: "rise_points", formula: "ni14_pct − before_pct",
		help: "In points of a hundred. Empty where the 95 % intervals " +
			"of both meet: that may well be chance." },
]);

let picture = null;	// the newest snapshot
let figures = null;	// the newest document of contacts
let got_at = 0;		// when it came, performance.now()
let said_pct = null;

// -- cards of figures

function makePeriod(card) {
	card.append($("figures").content.cloneNode(true));
	for (const term of card.querySelectorAll(".term"))
		term.dataset.formula = term.closest("[data-figure]")
			.dataset.figure;
	for (const box of card.querySelectorAll("[data-figure]"))
		setText(box.querySelector("dd") ?? box, NONE);
}

function setText(element, text) {
	put(element, text);
	element.classList.toggle("nothing", text === NONE);
}

function paintBar(bar, f) {
	bar.classList.toggle("nothing", f.coverage_pct == null);
	bar.classList.toggle("aims", figures.min_coverage_pct != null);
	bar.classList.toggle("short", f.coverage_pct < figures.min_coverage_pct);
	bar.style.setProperty("--share", `${f.coverage_pct ?? 0}%`);
	bar.style.setProperty("--goal", `${figures.min_coverage_pct ?? 0}%`);
}

function showPeriod(card, f) {
	for (const box of card.querySelectorAll("[data-figure]"))
		setText(box.querySelector("dd") ?? box,
			ASSESSED[box.dataset.figure](f));
	paintBar(card.querySelector(".bar"), f);
	put(card.querySelector(".why"), why(f));
	card.querySelector(".why").classList.toggle("none", !!f.ni14_why);
}

function showInferred(today) {
	const known = INFERRED.some(({ name }) => name in today);
	$("inferred").classList.toggle("empty", !known);
	if ($("inferred").querySelectorAll("dl > div").length === 0)
		for (const { name, label } of INFERRED) {
			const box = $("inferred-figure").content.cloneNode(true);
			const term = box.querySelector(".term");
			term.textContent = label;
			term.dataset.formula = name;
			$("inferred").querySelector("dl").append(box);
		}
	$("inferred").querySelectorAll("dl > div").forEach((box, i) => {
		const { name, note } = INFERRED[i];
		setText(box.querySelector("dd"), share(today[name]));
		put(box.querySelector(".note"), known ? note(today) : "");
	});
	put($("inferred-why"), known ? withheld(today) :
		"This daemon infers nothing from calls.");
}

// -- tables

function row(cells) {
	const tr = document.createElement("tr");
	cells.forEach((text, at) => {
		const cell = document.createElement(at === 0 ? "th" : "td");
		const bdi = document.createElement("bdi");
		if (at === 0) {
			cell.scope = "row";
			cell.title = text;
		}
		bdi.textContent = text;
		cell.append(bdi);
		tr.append(cell);
	});
	return tr;
}

function says(text, columns) {
	const tr = row([text]);
	tr.firstChild.colSpan = columns;
	return tr;
}

// After a long back-fill the weeks are counted day by day, and until then only
// today is known.
function nothing(text) {
	return known(figures.last_28_days?.contacts) ? text : why(
		figures.last_28_days ?? {}) || text;
}

function showServices() {
	const list = (figures.services ?? []).filter((s) =>
		config.services.length === 0 ||
		config.services.includes(s.service));
	const rows = list.map((s) => {
		const { sign, word, state } = direction(s.rise_points);
		const week = s.last_7_days ?? {};
		const tr = row([s.service ?? "No service", count(week.contacts),
			share(week.ni14_pct), share(week.coverage_pct),
			share(s.before_pct), `${sign} ${points(s.rise_points)}`.trim()]);
		const said = document.createElement("span");
		tr.dataset.change = state;
		tr.cells[1].className = tr.cells[4].className = "spare";
		tr.cells[2].title = week.ni14_why ?? "";
		said.className = "unseen";
		said.textContent = ` ${word}`;
		tr.lastChild.append(said);
		return tr;
	});
	const up = list.filter((s) => s.rise_points >= 0.05).length;
	put($("services-note"), up === 0 ? "" : `${count(up)} up`);
	$("services").replaceChildren(...rows.length > 0 ? rows :
		[says(nothing("No service has contacts yet."), 6)]);
}

function showChannels() {
	const rows = (figures.channels ?? []).map((c) => {
		const tr = row([c.label ?? c.channel, count(c.contacts),
			share(c.ni14_pct), share(c.coverage_pct)]);
		tr.cells[2].title = c.ni14_why ?? "";
		return tr;
	});
	$("channels").replaceChildren(...rows.length > 0 ? rows :
		[says(nothing("No contacts yet."), 4)]);
}

// A period in which a sample is taken has a figure of its own. Several may run.
function showSampling() {
	const list = figures.sampling ?? [];
	$("sampling").hidden = list.length === 0;
	put($("sampling"), list.map((s) => `Sample “${s.name}”, ` +
		`${s.starts_on} to ${s.ends_on}` +
		`${s.running ? ", running" : ""}: ${share(s.ni14_pct)} of ` +
		`${count(s.sample_size)} (95 %: ${share(s.ni14_low_pct)} to ` +
		`${share(s.ni14_high_pct)})`).join("; "));
}

// -- age

function warnOfAge() {
	if (figures === null) {
		warn("contacts", picture ? "No figures of contacts yet: the " +
			"database has not worked any out" : null);
		return;
	}
	const age_s = (figures.age_s ?? 0) + (performance.now() - got_at) / 1000;
	const old = figures.stale === true;
	document.querySelector(".contacts").classList.toggle("old", old);
	warn("contacts", old ? "The database is away: contacts are as of " +
		`${clock.second(figures.as_of)}, ${about(age_s)} ago` : null,
	"The database is away: contacts are not up to date");
	put($("as-of"), `As of ${clock.second(figures.as_of)}.`);
}

function sayChange() {
	const pct = figures.today?.ni14_pct ?? null;
	if (said_pct !== null && pct !== null &&
	    Math.abs(pct - said_pct) < ALOUD_POINTS)
		return;
	if (pct !== said_pct && said_pct !== null)
		put($("said"), `NI 14 today: ${share(pct)}, coverage ` +
			share(figures.today.coverage_pct));
	said_pct = pct;
}

// -- what comes

function showContacts(answer) {
	// What was asked for may come behind what the stream told since.
	if (answer.as_of < figures?.as_of)
		return;
	figures = answer;
	got_at = performance.now();
	tip.learn(Object.entries(answer.formulas ?? {}).map(([name, formula]) =>
		({ name, formula: formula.formula ?? formula,
			help: name === "coverage_pct" ?
				aim(answer.min_coverage_pct) : formula.help })));
	showPeriod($("today"), answer.today ?? {});
	showPeriod($("month"), answer.last_28_days ?? {});
	pareto.show(answer.categories ?? []);
	showServices();
	showChannels();
	showSampling();
	warnOfAge();
	sayChange();
}

function showTitle(snapshot) {
	const of = config.services.length > 0 ? config.services.join(", ") :
		snapshot.site;
	const title = config.title ??
		(of ? `Avoidable contact: ${of}` : "Avoidable contact");
	put($("title"), title);
	if (document.title !== title)
		document.title = title;
	put($("version"), snapshot.version ? `ringtally ${snapshot.version}` : "");
}

function show(snapshot) {
	const first = picture === null;
	picture = snapshot;
	clock.settle(snapshot.timezone);
	clock.set(snapshot.time);
	showTitle(snapshot);
	showInferred(snapshot.total?.today ?? {});
	warnOfRefusal(null);
	warnOfFeeds(snapshot.feeds, clock);
	if (first) {
		askForContacts();
		askForFormulas();
	}
}

async function askForContacts() {
	const answer = await ask("contacts", "");
	if (answer?.as_of)
		showContacts(answer);
}

async function askForFormulas() {
	const answer = await ask("formulas", "");
	if (answer)
		tip.learn(answer.formulas);
	else
		setTimeout(askForFormulas, ASK_EVERY_MS);
}

function tick() {
	put($("clock"), clock.second(clock.now()));
	put($("date"), clock.day(clock.now()));
	silence.look(link.silence(), picture?.time ?? null);
	warnOfAge();
}

function filters() {
	const asks = [...query].filter(([key]) => key === "service");
	const text = new URLSearchParams(asks).toString();
	return text === "" ? "" : `?${text}`;
}

takeToken();
addEventListener("hashchange", takeToken);
themes(config, () => pareto.repaint());
makePeriod($("today"));
makePeriod($("month"));
// Of a service the document has no categories, and no channels.
if (config.services.length > 0)
	for (const head of ["today", "month", "pareto", "channels"])
		$(`${head}-head`).append(", all services");
const link = new Link(`api/v1/stream${filters()}`, {
	snapshot: show,
	contacts: showContacts,
	missed: (n) => silence.missed(n),
	refused: warnOfRefusal,
});
tick();
setInterval(tick, 250);
setInterval(() => silence.stale || !picture || askForContacts(),
	ASK_EVERY_MS);
