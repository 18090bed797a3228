// SPDX-License-Identifier: BSD-2-Clause
// The stream of snapshots, kept alive. The browser's own reconnecting is not
// enough: it gives up on an answer that is an error, and does not notice a
// connection that is open and silent, as that of a stopped daemon is.

const SILENT_MS = 6000;		// a snapshot comes each second
const RETRY_MS = [500, 1000, 2000, 4000];

export class Link {
	#source = null;
	#timer = 0;
	#failures = 0;

	// on: snapshot(data), missed(n), refused(status, detail): of an answer
	// that is an error; contacts(data), where it is wanted
	constructor(url, on) {
		this.url = url;
		this.on = on;
		this.last = null;	// performance.now() of the last snapshot
		this.#open();
	}

	// How long nothing came, in ms; since the start while nothing did.
	silence() {
		return performance.now() - (this.last ?? 0);
	}

	#open() {
		const source = new EventSource(this.url);
		this.#source = source;
		this.#wait(SILENT_MS);
		source.addEventListener("snapshot", (event) => {
			this.last = performance.now();
			this.#failures = 0;
			this.#wait(SILENT_MS);
			this.on.snapshot(JSON.parse(event.data));
		});
		if (this.on.contacts)
			source.addEventListener("contacts", (event) =>
				this.on.contacts(JSON.parse(event.data)));
		source.addEventListener("missed", (event) => {
			this.on.missed(JSON.parse(event.data).snapshots);
		});
		source.addEventListener("error", () => {
			if (source.readyState === EventSource.CLOSED)
				this.#askWhy();
			this.#again();
		});
	}

	// The browser keeps the status and the reason to itself. Where it is no
	// error this time, the stream that came is given up at once.
	async #askWhy() {
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(), 10000);
		try {
			const answer = await fetch(this.url,
				{ signal: stop.signal });
			if (!answer.ok)
				this.on.refused(answer.status,
					(await answer.json()).detail);
		} catch {
			// Away: the silence is told of anyway.
		} finally {
			clearTimeout(timer);
			stop.abort();
		}
	}

	// A silent connection is left open for longer each time: a daemon that
	// only paused goes on with it, and one that hangs is not heaped with
	// new ones.
	#wait(ms) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#again(),
			ms * Math.min(1 + this.#failures, 5));
	}

	#again() {
		this.#source.close();
		clearTimeout(this.#timer);
		const ms = RETRY_MS[Math.min(this.#failures++,
			RETRY_MS.length - 1)];
		this.#timer = setTimeout(() => this.#open(),
			ms * (0.75 + Math.random() / 2));
	}
}

// An answer in JSON, or null when there is none to be had: the stream says
// so already.
export async function ask(path, query) {
	try {
		const answer = await fetch(`api/v1/${path}${query}`, {
			headers: { Accept: "application/json" },
			signal: AbortSignal.timeout(10000),
		});
		return answer.ok ? await answer.json() : null;
	} catch {
		return null;
	}
}

// What is asked for beside the stream: anew when a snapshot says that it is
// another, and now and then. Where an answer takes long the next question waits
// for a multiple of that: many queues are much work, and it is done for all who
// ask.
const NOW_AND_THEN_MS = 60000;
const BREATH = 4;

export class Again {
	#key = null;
	#asked = -Infinity;
	#free = 0;
	#busy = false;

	// fn: asks, and is true when it was answered
	constructor(fn) {
		this.fn = fn;
	}

	// key: of the newest snapshot, another when the answer would be.
	async look(key) {
		const now = performance.now();
		if (this.#busy || document.hidden || now < this.#free ||
			(key === this.#key && now - this.#asked < NOW_AND_THEN_MS))
			return;
		this.#busy = true;
		this.#asked = now;
		try {
			this.#key = await this.fn() ? key : null;
		} finally {
			this.#free = now +
				(performance.now() - now) * (1 + BREATH);
			this.#busy = false;
		}
	}
}
