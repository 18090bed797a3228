// SPDX-License-Identifier: BSD-2-Clause
// Today by interval: the share answered in time as a line with its target,
// who arrived and who gave up as bars; or the same as a table. Without
// Chart.js there is the table.

import { chartOrTable } from "./either.js";
import { count, goal, period, put, share } from "./format.js";
import { level, levelName, withinOf } from "./figures.js";

let interval_s = 900;	// of what is shown

const $ = (id) => document.getElementById(id);

// From the first interval in which somebody rang.
function trimmed(intervals) {
	const first = intervals.findIndex((i) => i.offered > 0);
	return first < 0 ? [] : intervals.slice(first);
}

// The newest interval has no share while somebody of it waits: it would drop
// with each call that rings. level of each, or null
function settled(intervals, item) {
	return intervals.map((i, at) => at === intervals.length - 1 &&
		i.waiting > 0 ? null : i[levelName(item)]);
}

function colour(name) {
	return getComputedStyle(document.documentElement)
		.getPropertyValue(name).trim();
}

// Full hours, as many as there is room for. Called by Chart.js as a method of
// the axis.
function hours(value) {
	const label = this.getLabelForValue(value);
	const [hour, minute] = label.split(":").map(Number);
	const room = Math.max(1, Math.floor(this.width / 64));
	const shown = this.getLabels().length * interval_s / 3600;
	const each = [1, 2, 3, 4, 6].find((n) => shown / n <= room) ?? 12;
	return minute === 0 && hour % each === 0 ? label : null;
}

export class Today {
	#chart = null;
	#shown = null;

	constructor(clock) {
		this.clock = clock;
		chartOrTable();
	}

	// Which interval the time is in, as a number.
	interval(time) {
		return Math.floor(Date.parse(time) / 1000 / interval_s);
	}

	// answer: that of /api/v1/intervals; item: whose threshold and target
	show(answer, item) {
		const intervals = trimmed(answer.intervals ?? []);
		this.#shown = [answer, item];
		interval_s = answer.interval_s || 900;
		put($("today-head"), `Today by ${period(interval_s)}`);
		put($("table-level"), `In ${withinOf(item)} s`);
		$("intervals").replaceChildren(...intervals.map((i) => {
			const row = document.createElement("tr");
			const cells = [this.clock.minute(i.starts_at),
				count(i.offered), count(i.abandoned),
				share(i[levelName(item)])];
			cells.forEach((text, at) => {
				const cell = document.createElement(
					at === 0 ? "th" : "td");
				if (at === 0)
					cell.scope = "row";
				cell.textContent = text;
				row.append(cell);
			});
			return row;
		}).reverse());
		$("chart").setAttribute("aria-label", this.#summary(intervals,
			item));
		if (typeof Chart !== "undefined")
			this.#draw(intervals, item);
	}

	// With other colours.
	repaint() {
		this.#chart?.destroy();
		this.#chart = null;
		if (this.#shown)
			this.show(...this.#shown);
	}

	#summary(intervals, item) {
		const levels = settled(intervals, item);
		const known = intervals.filter((i, at) => levels[at] != null);
		if (known.length === 0)
			return "Chart: nobody has rung yet today";
		const worst = known.reduce((a, b) =>
			b[levelName(item)] < a[levelName(item)] ? b : a);
		const last = known[known.length - 1];
		const say = (i) => `${share(i[levelName(item)])} at ` +
			this.clock.minute(i.starts_at);
		return `Chart: share answered in ${withinOf(item)} s by ` +
			`${period(interval_s)}; today ${share(level(item, item.today))}, ` +
			`last ${say(last)}, lowest ${say(worst)}. ` +
			`The table has every ${period(interval_s)}.`;
	}

	#draw(intervals, item) {
		const data = this.#data(intervals, item);
		if (this.#chart) {
			this.#chart.data.labels = data.labels;
			data.datasets.forEach((set, i) => {
				const old = this.#chart.data.datasets[i];
				old.data = set.data;
				old.label = set.label;
				old.hidden = set.hidden;
			});
			this.#chart.update();
			return;
		}
		this.#chart = new Chart($("chart"),
			{ data, options: this.#options() });
	}

	#data(intervals, item) {
		const target = item.target;
		const line = { type: "line", yAxisID: "pct", order: 0 };
		const bar = { type: "bar", yAxisID: "n", grouped: false,
			barPercentage: 1, categoryPercentage: 0.86 };
		return {
			labels: intervals.map((i) => this.clock.minute(i.starts_at)),
			datasets: [
				{ ...line, label: `In ${withinOf(item)} s`,
					data: settled(intervals, item),
					borderColor: colour("--line"),
					backgroundColor: colour("--line"),
					borderWidth: 3, pointRadius: 0,
					pointHitRadius: 12, tension: 0.25,
					spanGaps: true, pointStyle: "line" },
				{ ...line, hidden: !target,
					label: target ? `Target ${goal(target.pct)}` :
						"Target",
					data: intervals.map(() => target?.pct ?? null),
					borderColor: colour("--ink"),
					backgroundColor: colour("--ink"),
					borderDash: [7, 5], borderWidth: 2,
					pointRadius: 0, pointStyle: "line" },
				{ ...bar, label: "Gave up", order: 1,
					data: intervals.map((i) => i.abandoned),
					backgroundColor: colour("--gave-up"),
					pointStyle: "rect" },
				{ ...bar, label: "Offered", order: 2,
					data: intervals.map((i) => i.offered),
					backgroundColor: colour("--offered"),
					pointStyle: "rect" },
			],
		};
	}

	#options() {
		const ink = colour("--muted");
		const ticks = { color: ink, font: { size: 14 }, maxRotation: 0 };
		const rule = colour("--rule");
		return {
			animation: false,
			responsive: true,
			maintainAspectRatio: false,
			font: { family: "inherit" },
			interaction: { mode: "index", intersect: false },
			scales: {
				x: { grid: { display: false },
					ticks: { ...ticks, autoSkip: false,
						callback: hours } },
				pct: { min: 0, max: 100, position: "left",
					ticks: { ...ticks, stepSize: 25,
						callback: (v) => `${v}%` },
					grid: { color: rule } },
				n: { beginAtZero: true, position: "right",
					grace: "60%",
					ticks: { ...ticks, precision: 0,
						maxTicksLimit: 5 },
					grid: { display: false } },
			},
			plugins: {
				legend: { position: "bottom", labels: {
					color: colour("--ink"), font: { size: 14 },
					usePointStyle: true, boxWidth: 22,
					filter: (entry) => !entry.hidden } },
			},
		};
	}
}
