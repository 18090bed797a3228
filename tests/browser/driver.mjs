// SPDX-License-Identifier: BSD-2-Clause
// Chromium, driven by lines of JSON on standard input: {"do": NAME, ...}.
// Each is answered by one line: {"value": ...} or {"error": text}. Ends with
// its input. See browser.py, which speaks to it.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const [, , modules, program, profile] = process.argv;
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launchPersistentContext(profile, {
	executablePath: program,
	headless: true,
	locale: "en-GB",
	timezoneId: "Asia/Tokyo",	// never the site's
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync"],
});
let page = null;
let complaints = [];

// What the page got wrong: to be empty, unless a test breaks something.
function listen() {
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type()))
			complaints.push(`console: ${message.text()} ` +
				`(${message.location().url})`);
	});
	page.on("pageerror", (error) => complaints.push(`thrown: ${error}`));
	page.on("response", (answer) => {
		if (answer.status() >= 400)
			complaints.push(`${answer.status()}: ${answer.url()}`);
	});
}

const commands = {
	async open({ url, width, height, scheme, motion }) {
		await page?.close();
		page = await browser.newPage();
		complaints = [];
		listen();
		await page.setViewportSize({ width, height });
		await page.emulateMedia({ colorScheme: scheme ?? "dark",
			reducedMotion: motion ?? "no-preference" });
		await page.goto(url);
	},
	// To no page at all, so that what follows is not its concern.
	async leave() {
		await page?.close();
		page = null;
		complaints = [];
	},
	async media({ scheme, motion, forced }) {
		await page.emulateMedia({ colorScheme: scheme,
			reducedMotion: motion, forcedColors: forced });
	},
	async size({ width, height }) {
		await page.setViewportSize({ width, height });
	},
	async eval({ code, arg }) {
		return page.evaluate(/^\([^)]*\) =>/.test(code) ?
			new Function("arg", `return (${code})(arg)`) : code, arg);
	},
	async cookies() {
		return browser.cookies();
	},
	async press({ key }) {
		await page.keyboard.press(key);
	},
	async type({ text }) {
		await page.keyboard.type(text);
	},
	async click({ at }) {
		await page.click(at, { timeout: 5000 });
	},
	async hover({ at }) {
		await page.hover(at, { timeout: 5000 });
	},
	async pick({ at, value }) {
		await page.selectOption(at, value, { timeout: 5000 });
	},
	async screenshot({ path, full }) {
		await page.screenshot({ path, fullPage: full === true });
	},
	// What WCAG 2.2 AA is violated by, as axe-core sees it.
	async axe() {
		if (await page.evaluate(() => !window.axe))
			await page.evaluate(axe);
		return page.evaluate(async () => {
			const tags = ["wcag2a", "wcag2aa", "wcag21a",
				"wcag21aa", "wcag22aa", "best-practice"];
			const found = await window.axe.run(document,
				{ runOnly: tags });
			return {
				passes: found.passes.length,
				violations: found.violations.flatMap((rule) =>
					rule.nodes.map((node) => `${rule.id}: ` +
						`${node.target} ` +
						`${node.failureSummary}`)),
			};
		});
	},
	complaints() {
		return complaints;
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const { do: name, ...args } = JSON.parse(line);
	let answer;
	try {
		answer = { value: await commands[name](args) ?? null };
	} catch (error) {
		answer = { error: String(error.stack ?? error) };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
