# SPDX-License-Identifier: BSD-2-Clause
"""How colours are seen: contrast as WCAG 2.2 defines it, and what is left of
a difference for people who lack one kind of cone (the matrices of Machado,
Oliveira and Fernandes, 2009, at their full severity)."""
import math

BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868),
               (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968),
               (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779),
               (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}


def linear(text):
    """#rrggbb as three numbers proportional to light."""
    values = [int(text[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
            for v in values]


def luminance(rgb):
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one, other):
    low, high = sorted(luminance(linear(c)) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(text, kind):
    rgb = linear(text)
    if kind in BLIND:
        rgb = [sum(w * v for w, v in zip(row, rgb)) for row in BLIND[kind]]
    return [min(1.0, max(0.0, v)) for v in rgb]


def lab(rgb):
    x = (0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2]) / 0.95047
    y = luminance(rgb)
    z = (0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2]) / 1.08883
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116
         for v in (x, y, z)]
    return (116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2]))


def difference(one, other, kind=None):
    """CIE76: 2 is just to be noticed, 20 is another colour at a glance."""
    return math.dist(lab(seen(one, kind)), lab(seen(other, kind)))
