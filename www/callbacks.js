// SPDX-License-Identifier: BSD-2-Clause
// Callers who gave up and are still to be rung back, and those who have been
// through since.

import { count, duration, put } from "./format.js";

const $ = (id) => document.getElementById(id);
const MOST = 100;

function cell(row, text, tag = "td") {
	const td = document.createElement(tag);
	const bdi = document.createElement("bdi");
	bdi.textContent = text;
	td.append(bdi);
	row.append(td);
	return td;
}

// 0: to be rung back. 1: nobody can say, there was no number. 2: through.
function state(call) {
	return call.through_at != null ? 2 : call.caller_known === false ? 1 : 0;
}

function since(call, clock) {
	return ["not yet", "not known",
		`through at ${clock.minute(call.through_at)}`][state(call)];
}

// To be rung back first, then the others; the newest of each first.
function sorted(list) {
	return [...list].sort((a, b) => state(a) - state(b) ||
		Date.parse(b.ended_at) - Date.parse(a.ended_at));
}

// answer: that of /api/v1/calls
export function showCallbacks(answer, clock) {
	document.querySelector(".callbacks").hidden = !answer.callbacks;
	const list = sorted(answer.callbacks ?? []);
	const open = list.filter((call) => state(call) === 0).length;
	const out = answer.callbacks_left_out ?? 0;
	const numbers = list.some((call) => call.caller);
	put($("callbacks-count"), count(open + out));
	$("callbacks-caller").hidden = !numbers;
	const rows = list.slice(0, MOST).map((call) => {
		const row = document.createElement("tr");
		cell(row, clock.minute(call.ended_at));
		cell(row, call.queue).title = call.queue;
		cell(row, duration(call.wait_s));
		if (numbers)
			cell(row, call.caller ?? (call.caller_known === false ?
				"not known" : "not kept"));
		cell(row, since(call, clock));
		row.classList.toggle("through", call.through_at != null);
		return row;
	});
	const more = out + list.length - rows.length;
	if (more > 0 || rows.length === 0) {
		const row = document.createElement("tr");
		const says = more > 0 ? `and ${count(more)} more` :
			"Nobody is waiting to be rung back.";
		cell(row, says).colSpan = 5;
		rows.push(row);
	}
	$("callbacks").replaceChildren(...rows);
}
