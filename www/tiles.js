// SPDX-License-Identifier: BSD-2-Clause
// The tiles: one for each queue or service, those in trouble first. On a wall
// as many as read well, page after page; else all, to be scrolled through.

import { put, share } from "./format.js";
import { FIGURES, STATUS, isNone, level, plan, withinOf }
	from "./figures.js";
import { Order, grid, patience, rank } from "./order.js";

const MANY = 5;		// signs of a figure in its full size

const $ = (id) => document.getElementById(id);

// Fills what has data-figure below `root`.
export function fill(root, item) {
	for (const box of root.querySelectorAll("[data-figure]")) {
		const text = FIGURES[box.dataset.figure].text(item);
		const value = box.querySelector("dd") ?? box;
		put(value, text);
		value.classList.toggle("nothing", isNone(text));
		value.classList.toggle("long", text.length > MANY);
	}
	for (const term of root.querySelectorAll("[data-within]"))
		put(term, `In ${withinOf(item)} s today`);
	const { classList } = root.querySelector("[data-figure=longest_wait_s]");
	classList.toggle("late", patience(item) > 0);
	classList.toggle("very", patience(item) > 1);
}

function paintBar(bar, item) {
	const pct = level(item, item.today);
	bar.classList.toggle("nothing", pct == null);
	bar.style.setProperty("--share", `${pct ?? 0}%`);
	bar.style.setProperty("--goal", `${item.target?.pct ?? 0}%`);
	bar.classList.toggle("aims", item.target != null);
}

function paintStatus(tile, item) {
	const state = STATUS[item.status] ? item.status : "none";
	tile.dataset.status = state;
	tile.querySelector("use").setAttribute("href", `#shape-${state}`);
	put(tile.querySelector(".status span"), STATUS[item.status] ??
		(!item.target ? "No target" : !item.today?.offered ?
			"No calls yet" : item.waits_unknown > 0 ?
			"Not known" : "First calls"));
}

export class Tiles {
	#order = new Order();
	#tiles = new Map();	// key -> element
	#page = 0;
	#pages = 1;
	#turned = 0;
	#held = false;

	// config: by (queue or service), rotate_s; wall: a MediaQueryList
	constructor(config, wall) {
		this.config = config;
		this.wall = wall;
		this.list = $("tiles");
		this.item_of = new WeakMap();
		new ResizeObserver(() => this.lay()).observe(this.list);
		$("page-back").addEventListener("click", () => this.turn(-1));
		$("page-on").addEventListener("click", () => this.turn(1));
		$("page-hold").addEventListener("click", () => this.#hold());
	}

	// items: with key, name and beside. now: performance.now()
	show(items, now) {
		this.#turned ||= now;
		const busy = this.list.matches(":hover") ||
			this.list.contains(document.activeElement);
		const sorted = this.#order.arrange(items, now, busy);
		const keys = new Set(sorted.map((item) => item.key));
		for (const [key, tile] of this.#tiles)
			if (!keys.has(key)) {
				tile.remove();
				this.#tiles.delete(key);
			}
		sorted.forEach((item, i) => {
			const tile = this.#tile(item);
			if (this.list.children[i] !== tile)
				this.list.insertBefore(tile,
					this.list.children[i] ?? null);
			this.#paint(tile, item);
		});
		$("none").hidden = items.length > 0;
		this.#count(items);
		this.#rotate(now, busy);
		this.lay();
	}

	#tile(item) {
		let tile = this.#tiles.get(item.key);
		if (!tile) {
			tile = $("tile").content.cloneNode(true).firstElementChild;
			tile.querySelectorAll(".term").forEach((term, i) => {
				term.tabIndex = i === 0 ? 0 : -1;
			});
			this.#tiles.set(item.key, tile);
		}
		return tile;
	}

	#paint(tile, item) {
		this.item_of.set(tile, item);
		const name = tile.querySelector("[data-text=name]");
		put(name, item.name);
		name.parentElement.title = item.name;
		put(tile.querySelector("[data-text=beside]"), item.beside ?? "");
		put(tile.querySelector("[data-text=plan]"), plan(item));
		paintStatus(tile, item);
		paintBar(tile.querySelector(".bar"), item);
		fill(tile, item);
	}

	#count(items) {
		const of = (status) =>
			items.filter((item) => item.status === status).length;
		put($("tally"), Object.entries(STATUS).reverse()
			.map(([status, word]) => [of(status), word.toLowerCase()])
			.filter(([n]) => n > 0)
			.map(([n, word]) => `${n} ${word}`).join(" · "));
	}

	// How they stand: in the rows and columns of a wall, or in a column.
	lay() {
		const tiles = [...this.list.children];
		const wall = this.wall.matches && tiles.length > 0;
		let each = tiles.length || 1;
		this.list.classList.toggle("wall", wall);
		this.list.classList.toggle("few", tiles.length <= 2);
		if (wall) {
			const box = this.list.getBoundingClientRect();
			const { cols, rows } = grid(tiles.length, box.width,
				box.height);
			each = cols * rows;
			this.list.style.setProperty("--cols", cols);
			this.list.style.setProperty("--rows", rows);
		}
		this.#pages = Math.ceil(tiles.length / each) || 1;
		this.#page = Math.min(this.#page, this.#pages - 1);
		tiles.forEach((tile, i) => {
			tile.hidden = Math.floor(i / each) !== this.#page;
		});
		$("pager").hidden = this.#pages === 1;
		put($("page-word"), `${this.#page + 1} of ${this.#pages}`);
	}

	turn(by) {
		this.#page = (this.#page + by + this.#pages) % this.#pages;
		this.#turned = performance.now();
		this.lay();
	}

	#rotate(now, busy) {
		const ms = this.config.rotate_s * 1000;
		if (ms > 0 && !this.#held && !busy && now - this.#turned >= ms)
			this.turn(1);
	}

	#hold() {
		this.#held = !this.#held;
		$("page-hold").setAttribute("aria-pressed", String(this.#held));
	}
}

// What a screen reader is told of the queues: who came off or onto target.
export class Changes {
	#before = new Map();

	of(items) {
		const said = [];
		for (const item of items) {
			const was = this.#before.get(item.key);
			if (was && item.status && was !== item.status)
				said.push([rank(item), `${item.name}: ` +
					`${STATUS[item.status].toLowerCase()}` +
					`, ${share(level(item, item.today))}`]);
			if (item.status)
				this.#before.set(item.key, item.status);
		}
		return said.sort((a, b) => a[0] - b[0]).map(([, text]) => text);
	}
}
