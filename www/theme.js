// SPDX-License-Identifier: BSD-2-Clause
// Dark or light: as the address says, else as was chosen here before, else as
// the device has it.

const $ = (id) => document.getElementById(id);
const scheme = matchMedia("(prefers-color-scheme: light)");

function kept() {
	try {
		return localStorage.getItem("theme");
	} catch {
		return null;	// forbidden here
	}
}

function keep(theme) {
	try {
		localStorage.setItem("theme", theme);
	} catch {
		// Then it holds for as long as the page is open.
	}
}

// config: theme, from the address. repaint: what is to be done when the
// colours are others. The button is #theme.
export function themes(config, repaint) {
	function set() {
		const known = (theme) => ["dark", "light"].includes(theme);
		const theme = [config.theme, kept()].find(known) ??
			(scheme.matches ? "light" : "dark");
		document.documentElement.dataset.theme = theme;
		$("theme").textContent = theme === "dark" ? "Light" : "Dark";
		$("theme").setAttribute("aria-label",
			`${$("theme").textContent} colours`);
		repaint();
	}

	set();
	scheme.addEventListener("change", set);
	$("theme").addEventListener("click", () => {
		const now = document.documentElement.dataset.theme;
		config.theme = now === "dark" ? "light" : "dark";
		keep(config.theme);
		set();
	});
}
