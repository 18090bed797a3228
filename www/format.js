// SPDX-License-Identifier: BSD-2-Clause
// Figures and times as people read them. What is not known is a dash, never
// a nought.

export const NONE = "–";

const known = (x) => typeof x === "number" && Number.isFinite(x);

export function count(n) {
	return known(n) ? n.toLocaleString("en-GB") : NONE;
}

export function share(pct) {
	if (!known(pct))
		return NONE;
	return pct === 100 ? "100%" : `${pct.toFixed(1)}%`;
}

// A target: 85%, not 85.0%, but 97.5% and 99.999%.
export function goal(pct) {
	return `${Number(pct.toFixed(6))}%`;
}

// 0:07, 12:40, 1:18:32: with hours, where there are any.
export function duration(seconds) {
	if (!known(seconds))
		return NONE;
	const s = Math.max(0, Math.floor(seconds));
	const two = (n) => String(n).padStart(2, "0");
	const minutes = Math.floor(s / 60) % 60;
	return s < 3600 ? `${minutes}:${two(s % 60)}` :
		`${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`;
}

// For a sentence: 4 s, 3 min, 2 h
export function about(seconds) {
	const s = Math.max(0, Math.floor(seconds));
	if (s < 120)
		return `${s} s`;
	if (s < 7200)
		return `${Math.floor(s / 60)} min`;
	return `${Math.floor(s / 3600)} h`;
}

// What an interval of so many seconds is called.
export function period(seconds) {
	const names = { 900: "quarter-hour", 1800: "half-hour", 3600: "hour",
		86400: "day" };
	return names[seconds] ?? `${seconds / 60} minutes`;
}

// The site's own clock: its zone, and the daemon's idea of now.
export class Clock {
	#offset = 0;
	#zone = null;

	constructor() {
		this.settle(undefined);
	}

	// zone: a name such as Europe/London; without one, the browser's.
	settle(zone) {
		if (zone === this.#zone)
			return;
		this.#zone = zone;
		const make = (options) => {
			try {
				return new Intl.DateTimeFormat("en-GB",
					{ ...options, timeZone: zone });
			} catch {
				return new Intl.DateTimeFormat("en-GB", options);
			}
		};
		this.times = make({ hour: "2-digit", minute: "2-digit",
			second: "2-digit", hourCycle: "h23" });
		this.minutes = make({ hour: "2-digit", minute: "2-digit",
			hourCycle: "h23" });
		this.days = make({ weekday: "long", day: "numeric",
			month: "long" });
	}

	// The daemon says that it is `time`.
	set(time) {
		const t = Date.parse(time);
		if (!Number.isNaN(t))
			this.#offset = t - Date.now();
	}

	now() {
		return new Date(Date.now() + this.#offset);
	}

	#say(format, time) {
		const date = new Date(time);
		return time == null || Number.isNaN(date.getTime()) ?
			NONE : format.format(date);
	}

	second(time) {
		return this.#say(this.times, time);
	}

	minute(time) {
		return this.#say(this.minutes, time);
	}

	day(time) {
		return this.#say(this.days, time);
	}
}

// Sets a text where it differs, so that nothing is drawn again in vain.
export function put(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}
