// SPDX-License-Identifier: BSD-2-Clause
// The figures of contacts: one row for each. What was assessed by people and
// what is inferred from calls are two tables, and stay apart on the page.

import { count, goal, share, NONE } from "./format.js";

export const known = (x) => typeof x === "number" && Number.isFinite(x);

// Contacts for each request: two decimals.
export function ratio(n) {
	return known(n) ? n.toFixed(2) : NONE;
}

// +3.2, −0.4: points of a hundred, with the sign that is read as such.
export function points(n) {
	if (!known(n))
		return NONE;
	const text = Math.abs(n).toFixed(1);
	return text === "0.0" ? "±0.0" : `${n < 0 ? "−" : "+"}${text}`;
}

// What is to be seen of the change, and said in a word.
export function direction(n) {
	if (!known(n))
		return { sign: "", word: "not known", state: "none" };
	if (Math.abs(n) < 0.05)
		return { sign: "=", word: "as before", state: "same" };
	return n > 0 ? { sign: "▲", word: "rises", state: "up" } :
		{ sign: "▼", word: "falls", state: "down" };
}

function range(f) {
	return known(f.ni14_low_pct) && known(f.ni14_high_pct) ?
		`95 %: ${share(f.ni14_low_pct)} to ${share(f.ni14_high_pct)}` :
		"";
}

// figure -> text; f: the figures of a period
export const ASSESSED = {
	ni14_pct: (f) => share(f.ni14_pct),
	ni14_range: range,
	coverage_pct: (f) => share(f.coverage_pct),
	assessed: (f) => known(f.contacts) ?
		`${count(f.assessed)} of ${count(f.contacts)}` : "",
	contacts_per_request: (f) => ratio(f.contacts_per_request),
	requests: (f) => known(f.contacts) ?
		`${count(f.contacts)} for ${count(f.requests)} requests` : "",
	fcr_pct: (f) => share(f.fcr_pct),
	resolved: (f) => known(f.contacts) ?
		`${count(f.resolved)} of ${count(f.resolved_known)}` : "",
};

// Why there is no figure; or what the one that is there leaves out.
export function why(f) {
	if (f.ni14_why)
		return f.ni14_why;
	return known(f.not_assessed) && f.not_assessed > 0 ?
		`${count(f.not_assessed)} not assessed: they count in neither part` :
		"";
}

export function aim(min) {
	return known(min) ? `at least ${goal(min)} must be assessed` : "";
}

// today: a block of figures of calls, as /api/v1/queues has them
export const INFERRED = [
	{ name: "inferred_repeat_pct", label: "Rang again, so far",
		note: (d) => `${count(d.repeated)} of ${count(d.caller_known)} ` +
			"known callers" },
	{ name: "inferred_misrouted_pct", label: "Passed to another service",
		note: (d) => `${count(d.misrouted)} of ${count(d.answered)} ` +
			"answered" },
	{ name: "inferred_callback_pct", label: "Gave up, then came through",
		note: (d) => `${count(d.called_back)} of ` +
			`${count(d.abandoned_known)} known callers` },
];

export function withheld(today) {
	const n = today.answered - today.caller_known;
	const left = known(n) && n > 0 ?
		` ${count(n)} answered visits are left out: a number withheld, or ` +
		"the same call once more." : "";
	return "Who was answered today may still ring again: the first figure " +
		`is not yet known.${left}`;
}
