// SPDX-License-Identifier: BSD-2-Clause
// The token of a daemon that wants one (live.token_file). A browser's stream
// of events can send no header, so the token goes into a cookie, which the
// daemon takes as well. It comes once with the page's address, as
// #token=TOKEN: what stands behind # is sent to nobody and in no log, and is
// taken out of the address at once. #token= alone forgets it.

const COOKIE = "ringtally_token";
const KEPT_S = 400 * 86400;	// browsers keep none for longer

function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;	// a % that is the token's own
	}
}

export function takeToken() {
	const found = /^#token=(.*)$/.exec(location.hash);
	if (!found)
		return;
	history.replaceState(null, "", location.pathname + location.search);
	const token = decoded(found[1]);
	// Signs that no token has: they would end the cookie's value.
	if (/[^!-~]|[;,"]/.test(token))
		return;
	document.cookie = [`${COOKIE}=${token}`,
		`Path=${new URL(".", location.href).pathname}`,
		`Max-Age=${token === "" ? 0 : KEPT_S}`, "SameSite=Strict",
		...(location.protocol === "https:" ? ["Secure"] : [])].join("; ");
}
