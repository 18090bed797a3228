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

// To be rung back first, then the others; the newest of each first.
function sorted(list) {
	return [...list].sort((a, b) =>
		(a.through_at != null) - (b.through_at != null) ||
		Date.parse(b.ended_at) - Date.parse(a.ended_at));
}

// answer: that of /api/v1/calls
export function showCallbacks(answer, clock) {
	document.querySelector(".callbacks").hidden = !answer.callbacks;
	const list = sorted(answer.callbacks ?? []);
	const open = list.filter((call) => call.through_at == null).length;
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
			cell(row, call.caller ?? "withheld");
		cell(row, call.through_at == null ? "not yet" :
			`through at ${clock.minute(call.through_at)}`);
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
