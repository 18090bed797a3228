# SPDX-License-Identifier: BSD-2-Clause
# The least that a one-pass script has to do for the counts alone, as a peer
# for `ringtally tally`: offered, answered, answered within 15 and 20 seconds
# and abandoned, by queue and quarter of an hour of the arrival. It trusts
# every line, knows one entry of each call into each queue at a time and
# mends nothing.
BEGIN { FS = "|"; OFS = "," }
$5 == "ENTERQUEUE" {
	cell = $3 "," $1 - $1 % 900
	arrived[$2, $3] = cell
	offered[cell]++
}
$5 == "CONNECT" {
	cell = arrived[$2, $3]
	delete arrived[$2, $3]
	answered[cell]++
	if ($6 <= 15)
		within_15[cell]++
	if ($6 <= 20)
		within_20[cell]++
}
$5 == "ABANDON" {
	abandoned[arrived[$2, $3]]++
	delete arrived[$2, $3]
}
END {
	for (cell in offered)
		print cell, offered[cell], answered[cell] + 0, \
		    within_15[cell] + 0, within_20[cell] + 0, \
		    abandoned[cell] + 0
}
