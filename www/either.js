// SPDX-License-Identifier: BSD-2-Clause
// A chart, or the same as a table, by the button between them. Without
// Chart.js there is the table alone.

const $ = (id) => document.getElementById(id);

export function chartOrTable() {
	let table = typeof Chart === "undefined";
	const arrange = () => {
		$("as-table").setAttribute("aria-pressed", String(table));
		$("chart-box").hidden = table;
		$("table-box").hidden = !table;
	};
	$("as-table").hidden = table;
	$("as-table").addEventListener("click", () => {
		table = !table;
		arrange();
	});
	arrange();
}
