// SPDX-License-Identifier: BSD-2-Clause
// Which tile comes first, and how many fit. Pure: no page here.

const RANK = { red: 0, amber: 1, green: 2 };
const SETTLE_MS = 10000;	// no sooner are tiles moved for a wait alone
const TILE = { width: 320, height: 236 };	// where a tile reads well
const LEAST = 0.88;		// of that, and no smaller

export function rank(item) {
	return RANK[item.status] ?? 3;
}

// How far beyond its target the longest wait is, in doublings: a wait that
// grows by seconds seldom changes it.
export function patience(item) {
	const within = item.target?.within_s ?? 20;
	const wait = item.longest_wait_s ?? 0;
	return wait <= within ? 0 : 1 + Math.floor(Math.log2(wait / within));
}

function compare(a, b) {
	return rank(a) - rank(b) || patience(b) - patience(a);
}

// Keeps the tiles' places from one second to the next. What does not differ
// in trouble stays where it was; names decide at first.
export class Order {
	#keys = [];
	#ranks = new Map();
	#moved = -Infinity;

	// items: objects with key and name. still: they may not be moved now.
	// Returns them in order.
	arrange(items, now, still) {
		const place = new Map(this.#keys.map((key, i) => [key, i]));
		const fresh = this.#keys.length === 0;
		const sorted = [...items].sort((a, b) =>
			(place.get(a.key) ?? Infinity) - (place.get(b.key) ?? Infinity) ||
			(fresh ? compare(a, b) : 0) ||
			a.name.localeCompare(b.name, "en-GB") ||
			(a.key < b.key ? -1 : 1));
		const worse = items.some((item) =>
			rank(item) < (this.#ranks.get(item.key) ?? rank(item)));
		if (fresh) {
			this.#moved = now;
		} else if (!still && (worse ||
		    now - this.#moved >= SETTLE_MS)) {
			sorted.sort(compare);	// stable
			this.#moved = now;
		}
		if (!still)
			this.#ranks = new Map(items.map((i) => [i.key, rank(i)]));
		this.#keys = sorted.map((item) => item.key);
		return sorted;
	}
}

// Columns and rows for n tiles: as large as may be, or as many as still read
// well.
export function grid(n, width, height) {
	let best = { cols: 1, rows: 1, scale: 0 };
	let most = { cols: 1, rows: 1, scale: 0 };
	for (let cols = 1; cols <= 12; cols++) {
		for (let rows = 1; rows <= 12; rows++) {
			const scale = Math.min(width / cols / TILE.width,
				height / rows / TILE.height);
			const g = { cols, rows, scale };
			if (cols * rows >= n && scale > best.scale)
				best = g;
			if (scale >= LEAST && cols * rows > most.cols * most.rows)
				most = g;
		}
	}
	return best.scale >= LEAST ? best : most;
}
