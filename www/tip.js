// SPDX-License-Identifier: BSD-2-Clause
// The formula of a figure, beside it: on hover and on focus. It stays while
// the pointer is on it, and Escape puts it away. Within a tile the arrow keys
// go from figure to figure, so that Tab goes from tile to tile.

const $ = (id) => document.getElementById(id);
const LINGER_MS = 150;

const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

// Of the daemon's table: a threshold stands there as T. A target may have one
// of its own, which is in no table.
function rowOf(formulas, name) {
	const match = /^sl_(\d+)_offered_pct$/.exec(name);
	const row = formulas.get(name) ?? formulas.get(
		name.replace(/_\d+_/, "_T_"));
	if (!row && match)
		return { name: "target_pct",
			formula: `answered within ${match[1]} s / offered` };
	return row && { ...row, name, formula: match ?
		row.formula.replaceAll("_T", `_${match[1]}`) : row.formula };
}

export class Tip {
	#formulas;
	#shown = null;
	#timer = 0;

	// name_of: the name of a term's formula, or null while nothing came.
	// own: formulas that are in no table of the daemon's
	constructor(name_of, own) {
		this.name_of = name_of;
		this.#formulas = new Map(own.map((row) => [row.name, row]));
		this.box = $("tip");
		const term = (event) => event.target.closest?.(".term");
		const root = document;
		root.addEventListener("pointerover", (event) => {
			if (term(event))
				this.#show(term(event));
			else if (event.target.closest?.("#tip"))
				clearTimeout(this.#timer);
		});
		root.addEventListener("pointerout", () => this.#leave());
		root.addEventListener("focusin", (event) => {
			if (term(event))
				this.#show(term(event));
			else
				this.hide();
		});
		root.addEventListener("focusout", () => this.#leave());
		root.addEventListener("keydown", (event) => this.#key(event));
	}

	learn(formulas) {
		for (const row of formulas)
			this.#formulas.set(row.name, row);
	}

	#row(term) {
		const name = this.name_of(term);
		return name ? rowOf(this.#formulas, name) : null;
	}

	#show(term) {
		clearTimeout(this.#timer);
		const row = this.#row(term);
		if (this.#shown !== term)
			this.hide();
		if (!row)
			return;
		$("tip-name").textContent = row.name;
		$("tip-formula").textContent = row.formula;
		$("tip-help").textContent = row.help ?? "";
		this.box.hidden = false;
		this.#place(term.getBoundingClientRect());
		term.setAttribute("aria-describedby", "tip");
		this.#shown = term;
	}

	#place(at) {
		const box = this.box.getBoundingClientRect();
		const below = at.bottom + 6 + box.height <= innerHeight;
		const left = Math.max(8,
			Math.min(at.left, innerWidth - box.width - 8));
		this.box.style.left = `${left}px`;
		this.box.style.top =
			`${below ? at.bottom + 4 : at.top - box.height - 4}px`;
	}

	#leave() {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			if (!document.activeElement?.closest(".term"))
				this.hide();
			else if (document.activeElement !== this.#shown)
				this.#show(document.activeElement);
		}, LINGER_MS);
	}

	hide() {
		clearTimeout(this.#timer);
		this.#shown?.removeAttribute("aria-describedby");
		this.#shown = null;
		this.box.hidden = true;
	}

	#key(event) {
		if (event.key === "Escape" && this.#shown)
			this.hide();
		const tile = event.target.closest?.(".tile");
		if (!tile || !(event.key in MOVES))
			return;
		const terms = [...tile.querySelectorAll(".term")];
		const to = terms.indexOf(event.target) + MOVES[event.key];
		if (!terms[to])
			return;
		event.preventDefault();
		terms.forEach((term, i) => {
			term.tabIndex = i === to ? 0 : -1;
		});
		terms[to].focus();
	}
}
