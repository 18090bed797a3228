// SPDX-License-Identifier: BSD-2-Clause
// What contacts were about, most first: bars, and the line of what they come
// to together; or the same as a table. Without Chart.js there is the table.

import { chartOrTable } from "./either.js";
import { count, put, share } from "./format.js";

const $ = (id) => document.getElementById(id);

function colour(name) {
	return getComputedStyle(document.documentElement)
		.getPropertyValue(name).trim();
}

// Long names in lines of their own.
function lines(label) {
	const found = [""];
	for (const word of label.split(/\s+/)) {
		const last = found.length - 1;
		if (found[last] && found[last].length + word.length > 16)
			found.push(word);
		else
			found[last] = `${found[last]} ${word}`.trim();
	}
	return found.map((line) => line.length > 20 ?
		`${line.slice(0, 19)}…` : line);
}

function word(category) {
	return category.avoidable === true ? "yes" :
		category.avoidable === false ? "no" : "not assessed";
}

export class Pareto {
	#chart = null;
	#shown = [];

	constructor() {
		chartOrTable();
	}

	// categories: of the document, most first
	show(categories) {
		if (JSON.stringify(categories) === JSON.stringify(this.#shown))
			return;
		this.#shown = categories;
		this.#fill();
		this.#draw();
	}

	// With other colours.
	repaint() {
		this.#chart?.destroy();
		this.#chart = null;
		this.#draw();
	}

	#fill() {
		$("categories").replaceChildren(...this.#shown.map((c) => {
			const row = document.createElement("tr");
			const cells = [c.label ?? c.category, word(c),
				count(c.contacts), share(c.share_pct), count(c.today)];
			cells.forEach((text, at) => {
				const cell = document.createElement(
					at === 0 ? "th" : "td");
				const bdi = document.createElement("bdi");
				if (at === 0)
					cell.scope = "row";
				bdi.textContent = text;
				cell.append(bdi);
				row.append(cell);
			});
			return row;
		}));
		$("chart").setAttribute("aria-label", this.#summary());
	}

	#summary() {
		const some = this.#shown.filter((c) => c.contacts > 0).slice(0, 3);
		if (some.length === 0)
			return "Chart: nothing was assessed yet";
		return "Chart: assessed contacts of the last 28 days by category: " +
			some.map((c) => `${c.label ?? c.category} ` +
				share(c.share_pct)).join(", ") +
			". The table has every category.";
	}

	#draw() {
		if (typeof Chart === "undefined" || this.#shown.length === 0)
			return;
		const data = this.#data();
		if (this.#chart) {
			this.#chart.data.labels = data.labels;
			data.datasets.forEach((set, i) => {
				Object.assign(this.#chart.data.datasets[i], set);
			});
			this.#chart.update();
		} else {
			this.#chart = new Chart($("chart"),
				{ data, options: this.#options() });
		}
	}

	#data() {
		let sum = 0;
		const avoidable = (c) => c.avoidable === true;
		return {
			labels: this.#shown.map((c) => lines(c.label ?? c.category)),
			datasets: [
				{ type: "line", xAxisID: "pct", order: 0,
					label: "Together",
					data: this.#shown.map((c) =>
						Math.min(100, sum += c.share_pct ?? 0)),
					borderColor: colour("--ink"),
					backgroundColor: colour("--ink"),
					borderWidth: 2, pointRadius: 3,
					pointStyle: "circle" },
				{ type: "bar", xAxisID: "n", order: 1, grouped: false,
					label: "Avoidable",
					data: this.#shown.map((c) =>
						avoidable(c) ? c.contacts : null),
					backgroundColor: colour("--gave-up"),
					pointStyle: "rect" },
				{ type: "bar", xAxisID: "n", order: 1, grouped: false,
					label: "Not avoidable",
					data: this.#shown.map((c) =>
						avoidable(c) ? null : c.contacts),
					backgroundColor: colour("--offered"),
					pointStyle: "rect" },
			],
		};
	}

	#options() {
		const ticks = { color: colour("--muted"), font: { size: 14 } };
		return {
			animation: false,
			indexAxis: "y",
			responsive: true,
			maintainAspectRatio: false,
			interaction: { mode: "index", axis: "y", intersect: false },
			scales: {
				y: { grid: { display: false },
					ticks: { ...ticks, autoSkip: false } },
				n: { beginAtZero: true, position: "bottom",
					ticks: { ...ticks, precision: 0,
						maxTicksLimit: 6, maxRotation: 0 },
					grid: { color: colour("--rule") } },
				pct: { min: 0, max: 105, position: "top",
					afterBuildTicks: (axis) => {
						axis.ticks = [0, 25, 50, 75, 100]
							.map((value) => ({ value }));
					},
					ticks: { ...ticks, maxRotation: 0,
						callback: (v) => `${v}%` },
					grid: { display: false } },
			},
			plugins: {
				legend: { position: "bottom", labels: {
					color: colour("--ink"), font: { size: 14 },
					usePointStyle: true, boxWidth: 22 } },
			},
		};
	}
}
