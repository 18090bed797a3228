# SPDX-License-Identifier: BSD-2-Clause
"""The score of the peer cases, printed when they have been played."""
from collections import Counter, defaultdict

verdicts = defaultdict(dict)    # who counted -> case id -> (verdict, why)


def lines():
    for who, cases in sorted(verdicts.items()):
        count = Counter(verdict for verdict, _ in cases.values())
        yield ("peer cases counted by %s: %d agree, %d differ on purpose, "
               "%d not applicable, %d unexplained" % (
                   who, count["agrees"], count["on purpose"],
                   count["not applicable"], count["unexplained"]))
        for case, (verdict, why) in cases.items():
            if verdict in ("on purpose", "unexplained"):
                yield "  %s %s: %s" % (case, verdict, why)
        idle = Counter(why for verdict, why in cases.values()
                       if verdict == "not applicable")
        for why, n in idle.most_common():
            yield "  %d not applicable: %s" % (n, why)
