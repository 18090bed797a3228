// SPDX-License-Identifier: BSD-2-Clause
// What is wrong, at the top of the page: each warning by a key, said aloud
// once, with the part that counts on left unsaid.

import { about, put } from "./format.js";

const $ = (id) => document.getElementById(id);

const STALE_MS = 3000;
const SKEW_S = 5;	// as in src/call/skew.h
const GRAVEST = ["silence", "token", "refused"];
const warnings = new Map();

export function say(text) {
	put($("said"), text);
}

// text: what it says now, or null: it is over. aloud: what is said of it once
export function warn(key, text, aloud) {
	let p = warnings.get(key);
	if (text === null) {
		p?.remove();
		warnings.delete(key);
	} else if (p) {
		put(p, text);
	} else {
		p = document.createElement("p");
		p.className = "warning";
		p.dataset.key = key;
		p.textContent = text;
		// The gravest first.
		$("warnings").insertBefore(p, GRAVEST.includes(key) ?
			$("warnings").firstChild : null);
		warnings.set(key, p);
		say(aloud ?? text);
	}
	$("warnings").hidden = warnings.size === 0;
}

// What waits now is measured by our clock from a time by the switch's.
function warnOfSkew(feed, keys) {
	const skew_s = feed.clock_skew_s ?? 0;
	if (Math.abs(skew_s) < SKEW_S)
		return;
	const much = about(Math.round(Math.abs(skew_s)));
	const key = `feed ${feed.feed} clock`;
	keys.add(key);
	warn(key, skew_s > 0 ?
		`Feed ${feed.feed}: its switch's clock is ${much} behind, and ` +
			"longest waits are shown that much too long" :
		`Feed ${feed.feed}: its switch's clock is ${much} ahead, and ` +
			"longest waits are shown that much too short",
	`Feed ${feed.feed}: its switch's clock is not right`);
}

export function warnOfFeeds(feeds, clock) {
	const keys = new Set();
	for (const feed of feeds ?? []) {
		warnOfSkew(feed, keys);
		const failed = feed.state === "failed";
		if (!feed.stale && !failed)
			continue;
		const since = feed.last_event_at == null ? "" :
			`, its last event was at ${clock.second(feed.last_event_at)}`;
		const what = failed ? "has failed" : "is stale";
		keys.add(`feed ${feed.feed}`);
		warn(`feed ${feed.feed}`, `Feed ${feed.feed} ${what}${since}: ` +
			"figures may be behind");
	}
	for (const key of [...warnings.keys()])
		if (key.startsWith("feed ") && !keys.has(key))
			warn(key, null);
}

// The daemon has not read yet what was counted before it was started.
export function knowsNothing(snapshot) {
	return snapshot.total.today.complete === false &&
		snapshot.queues.length === 0;
}

function saidOfDatabase(state, snapshot) {
	const away = ["backoff", "broken", "off"].includes(state);
	if (state === "standby")
		return "Nothing is known here: another daemon counts these " +
			"switches, and this one stands by; open that one's page";
	if (knowsNothing(snapshot))
		return away ? "Nothing is known yet: the database is away, and " +
			"what was counted before is there" :
			"Nothing is known yet: today's figures are being loaded";
	if (snapshot.total.today.complete === false)
		return "Today is not complete: what came before the daemon " +
			"was started, or its clock was set, may be missing";
	return away ? "The database is away: what you see is right and goes " +
		"on; it is written when the database is back" : null;
}

export function warnOfDatabase(snapshot) {
	const state = snapshot.database?.state ?? "ready";
	const complete = snapshot.total.today.complete !== false;
	// While it connects anew it is as it was.
	if (!complete || !["connecting", "loading"].includes(state))
		warn("database", saidOfDatabase(state, snapshot));
}

function warnOfToken(wanted) {
	warn("token", wanted ? "The figures are for those with a token: open " +
		"this page once with #token= and the token behind its address" :
		null);
}

// The stream was refused: 401 for want of a token, else for what `detail`
// says. null: it is not.
export function warnOfRefusal(status, detail) {
	warnOfToken(status === 401);
	warn("refused", status === null || status === 401 ? null :
		`The daemon refuses this page: ${detail ?? `error ${status}`}`);
}

// Of the stream: greys the page while nothing comes.
export class Silence {
	stale = false;
	#missed = 0;

	// clock: of the site
	constructor(clock) {
		this.clock = clock;
	}

	missed(n) {
		this.#missed += n;
	}

	// ms: how long nothing came. time: of the newest snapshot, or null
	look(ms, time) {
		const stale = ms > STALE_MS;
		document.body.classList.toggle("stale", stale);
		$("link").dataset.state = stale ? "away" :
			time ? "live" : "waiting";
		put($("link-word"), stale ? "No connection" : !time ?
			"Connecting" : this.#missed > 0 ? "Live, slow line" :
			"Live");
		if (!stale) {
			warn("silence", null);
			if (this.stale)
				say("Connected again: figures are live");
		} else {
			const of = time ?
				`these figures are of ${this.clock.second(time)}` :
				"no figures yet";
			warn("silence", `No connection for ` +
				`${about(Math.floor(ms / 1000))}: ${of}`,
				`No connection: ${of}`);
		}
		this.stale = stale;
	}
}
