"""Statistics on plain arrays: intervals, survival, trends, decompositions, buy-till-you-die models.

Nothing in here knows about the audit's subject: a *unit* is whatever the caller observes (a firm, a
person, a day). Every function is pure, takes arrays, and returns arrays or a small frozen dataclass. A number
that cannot be had is ``None`` (NaN inside arrays) with a reason code from `audit.stats.intervals.Reason`;
malformed arguments (lengths that differ, NaN, negative counts) are the caller's mistake and raise
``ValueError``. Resampling is seeded and does not depend on the order of the rows.
"""
