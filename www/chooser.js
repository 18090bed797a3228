// SPDX-License-Identifier: BSD-2-Clause
// Makes the address of a screen that shows only some queues or services.

import { ask } from "./link.js";

const MOST = 64;	// names that the daemon takes in one address

const $ = (id) => document.getElementById(id);

function pick(box, kind, names, chosen) {
	box.replaceChildren(...names.map((name) => {
		const label = document.createElement("label");
		const input = document.createElement("input");
		const text = document.createElement("bdi");
		input.type = "checkbox";
		input.name = kind;
		input.value = name;
		input.checked = chosen.has(name);
		text.textContent = name;
		label.append(input, " ", text);
		return label;
	}));
}

function radio(name) {
	return document.querySelector(`input[name=${name}]:checked`).value;
}

function ticked(kind) {
	return [...document.querySelectorAll(
		`input[type=checkbox][name=${kind}]:checked`)].map((i) => i.value);
}

// The address that the form stands for.
function address() {
	const query = new URLSearchParams();
	const what = radio("what");
	if (what !== "all")
		ticked(what).forEach((name) => query.append(what, name));
	if (radio("by") === "service")
		query.set("by", "service");
	for (const [key, id] of [["title", "own-title"],
		["theme", "own-theme"], ["rotate", "own-rotate"]])
		if ($(id).value.trim() !== "")
			query.set(key, $(id).value.trim());
	const url = new URL(location.pathname, location.href);
	url.search = query;
	return url.href;
}

function refresh() {
	const what = radio("what");
	$("pick-service").hidden = what !== "service";
	$("pick-queue").hidden = what !== "queue";
	$("own-limit").hidden = what === "all" || ticked(what).length <= MOST;
	$("own-url").href = address();
	$("own-url").textContent = address();
}

function unique(list) {
	return [...new Set(list)].sort((a, b) => a.localeCompare(b, "en-GB"));
}

async function open(config) {
	const answer = await ask("queues", "");
	const queues = answer?.queues ?? [];
	pick($("pick-queue"), "queue", unique(queues.map((q) => q.queue)),
		new Set(config.queues));
	pick($("pick-service"), "service",
		unique(queues.map((q) => q.service).filter((s) => s != null)),
		new Set(config.services));
	const what = config.queues.length > 0 ? "queue" :
		config.services.length > 0 ? "service" : "all";
	$("choice").elements.what.value = what;
	$("choice").elements.by.value = config.by;
	$("own-title").value = config.title ?? "";
	$("own-theme").value = config.theme ?? "";
	$("own-rotate").value = config.rotate ?? "";
	refresh();
	$("chooser").showModal();
}

export function chooser(config) {
	$("choose").addEventListener("click", () => open(config));
	$("own-cancel").addEventListener("click", () => $("chooser").close());
	$("choice").addEventListener("input", refresh);
	$("choice").addEventListener("submit", (event) => {
		event.preventDefault();
		if ($("own-limit").hidden)
			location.assign(address());
		else
			$("own-limit").focus();
	});
}
