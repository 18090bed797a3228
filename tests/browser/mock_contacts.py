# SPDX-License-Identifier: BSD-2-Clause
"""The document of contacts as the daemon serves it, of a council's month, and
what is inferred from its calls: for the tests of the page, and of the words
that stand in /api/v1/openapi.json."""

FORMULAS = {
    "ni14_pct": "avoidable / assessed",
    "coverage_pct": "assessed / contacts",
    "contacts_per_request": "contacts / requests",
    "fcr_pct": "resolved / resolved_known",
}

CATEGORIES = (
    ("not_avoidable", "Not avoidable", False, 3187, 187),
    ("progress_chasing", "Progress chasing", True, 968, 61),
    ("unnecessary_clarification", "Unnecessary clarification", True, 512, 24),
    ("poor_signposting", "Poor signposting or transfer", True, 341, 19),
    ("repeat_notification", "Repeat notification", True, 290, 14),
    ("premature_closure", "Repeat contact after premature closure", True,
     171, 7),
)

INFERRED = {
    "caller_known": 2410, "repeated": 137, "misrouted": 61,
    "abandoned_known": 88, "called_back": 52, "inferred_repeat_pct": 5.7,
    "inferred_misrouted_pct": 2.4, "inferred_callback_pct": 59.1,
}


def wilson(x, n, z=1.959963984540054):
    """The interval in percent, one decimal."""
    p = x / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (
        p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return round(100 * (middle - half), 1), round(100 * (middle + half), 1)


def figures(contacts, assessed, avoidable, requests, with_request, resolved,
            resolved_known, least=50):
    """A block, as the database would work it out of these counts."""
    coverage = round(100 * assessed / contacts, 1) if contacts else None
    block = {
        "contacts": contacts, "assessed": assessed, "avoidable": avoidable,
        "not_assessed": contacts - assessed, "coverage_pct": coverage,
        "ni14_pct": None, "ni14_low_pct": None, "ni14_high_pct": None,
        "ni14_why": None, "requests": requests,
        "contacts_with_request": with_request,
        "contacts_per_request": round(contacts / requests, 2)
        if requests else None,
        "resolved": resolved, "resolved_known": resolved_known,
        "fcr_pct": round(100 * resolved / resolved_known, 1)
        if resolved_known else None,
    }
    if not contacts:
        block["ni14_why"] = "no contacts"
    elif not assessed:
        block["ni14_why"] = "no contact was assessed"
    elif coverage < least:
        block["ni14_why"] = ("%.1f %% of the contacts were assessed, %g %% "
                             "are asked for" % (coverage, least))
    else:
        low, high = wilson(avoidable, assessed)
        block.update(ni14_pct=round(100 * avoidable / assessed, 1),
                     ni14_low_pct=low, ni14_high_pct=high)
    return block


def service(name, contacts, assessed, avoidable, before):
    week = figures(contacts, assessed, avoidable, contacts // 3,
                   contacts // 2, contacts // 2, contacts * 2 // 3)
    month = figures(4 * contacts, 4 * assessed, 4 * avoidable, contacts,
                    2 * contacts, 2 * contacts, 3 * contacts)
    now = week["ni14_pct"]
    return {"service": name, **month, "today": figures(*[0] * 7),
            "last_7_days": week, "before_pct": before, "rise_points":
            None if now is None or before is None else round(now - before, 1)}


def document():
    assessed = sum(c[3] for c in CATEGORIES)
    today = sum(c[4] for c in CATEGORIES)
    return {
        "as_of": "2026-11-20T14:32:05.000Z", "day": "2026-11-20",
        "min_coverage_pct": 50, "age_s": 2, "stale": False,
        "today": figures(487, today, today - 187, 171, 233, 268, 344),
        "last_28_days": figures(8120, assessed, assessed - 3187, 3011, 4980,
                                4102, 5633),
        "channels": [
            {"channel": name, "label": label,
             **figures(n, a, x, n // 3, n // 2, n // 2, n // 2 + 9)}
            for name, label, n, a, x in (
                ("telephone", "Telephone", 5904, 3680, 1511),
                ("web", "Web", 812, 655, 214),
                ("face_to_face", "Face to face", 604, 512, 231),
                ("email", "Email", 488, 402, 199),
                ("post", "Post", 198, 141, 80),
                ("kiosk", "Kiosk", 74, 49, 30),
                ("chat", "Chat", 40, 12, 5))],
        "services": [
            service("Adult Social Care", 911, 640, 301, 39.7),
            service("Council Tax", 2650, 1811, 823, 43.2),
            service("Environment", 1402, 902, 339, 37.0),
            service("Housing", 1877, 1240, 529, 44.4),
            service("Registrars", 402, 310, 61, 24.0),
            service("Parking", 522, 166, 90, None),
        ],
        "categories": [
            {"category": name, "label": label, "avoidable": avoidable,
             "contacts": n, "share_pct": round(100 * n / assessed, 1),
             "today": of_today}
            for name, label, avoidable, n, of_today in CATEGORIES],
        "sampling": [],
        "formulas": FORMULAS,
    }
