// SPDX-License-Identifier: BSD-2-Clause
// What stands in a tile and in the summary: one row for each figure.

import { count, duration, goal, share, NONE } from "./format.js";

export const STATUS = {
	green: "On target",
	amber: "Near target",
	red: "Off target",
};

let within = 20;	// where a queue has no target of its own

// The threshold of what has no target: that of the targets where they agree,
// else the longest that is configured.
export function settleWithin(snapshot) {
	const items = [...snapshot.queues, ...snapshot.services];
	const goals = new Set(items.filter((i) => i.target)
		.map((i) => i.target.within_s));
	const configured = Object.keys(snapshot.total.today)
		.map((name) => /^sl_(\d+)_offered_pct$/.exec(name))
		.filter(Boolean).map((match) => Number(match[1]));
	if (goals.size === 1)
		[within] = goals;
	else if (configured.length > 0)
		within = Math.max(...configured);
}

// The target that all have, or null.
export function commonTarget(items) {
	const [first, ...others] = items.map((i) => i.target).filter(Boolean);
	return first && others.every((target) => target.pct === first.pct &&
		target.within_s === first.within_s) ? first : null;
}

export function withinOf(item) {
	return item.target?.within_s ?? within;
}

export function levelName(item) {
	return `sl_${withinOf(item)}_offered_pct`;
}

// The share answered in time, of a block of figures.
export function level(item, block) {
	return block?.target_pct ?? block?.[levelName(item)] ?? null;
}

export function reasons(item) {
	return Object.entries(item.agents?.paused_by_reason ?? {})
		.sort((a, b) => b[1] - a[1])
		.map(([reason, n]) => `${reason || "no reason"} ${count(n)}`)
		.join(", ");
}

// What is to be done, in plain words.
export function plan(item) {
	if (!item.target)
		return "";
	const at = goal(item.target.pct);
	if (!item.today?.offered)
		return `Target ${at}: nobody has rung yet today`;
	if (item.waits_unknown > 0)
		return `Target ${at}: waits are not known ` +
			`(${count(item.waits_unknown)} of ` +
			`${count(item.today.answered)})`;
	const n = item.calls_to_target;
	if (n === undefined)	// of a sum
		return `Target ${at}`;
	if (n === null)
		return `${at} is out of reach today`;
	if (n === 0)
		return `Target of ${at} is met`;
	const calls = n === 1 ? "1 more call" : `${count(n)} more calls`;
	return `${calls} in a row to reach ${at}`;
}

// figure -> text, and the name of its formula
export const FIGURES = {
	waiting: { text: (i) => count(i.waiting), formula: "waiting now" },
	longest_wait_s: {
		text: (i) => duration(i.longest_wait_s),
		formula: "longest wait",
	},
	level: { text: (i) => share(level(i, i.today)), formula: levelName },
	level_15m: {
		text: (i) => share(level(i, i.last_15m)), formula: levelName,
	},
	level_60m: {
		text: (i) => share(level(i, i.last_60m)), formula: levelName,
	},
	abandoned_pct: {
		text: (i) => share(i.today?.abandoned_pct),
		formula: "abandoned_pct",
	},
	free: { text: (i) => count(i.agents?.free) },
	talking: { text: (i) => count(i.agents?.talking) },
	wrapping_up: { text: (i) => count(i.agents?.wrapping_up) },
	paused: { text: (i) => count(i.agents?.paused) },
	gave_up: {
		text: (i) => `${count(i.today?.abandoned)} of ` +
			count(i.today?.offered),
	},
	reasons: { text: reasons },
	plan: { text: plan },
};

export function isNone(text) {
	return text === NONE;
}
