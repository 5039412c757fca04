"""Clients that may be one: the same name under two codes, and names that differ by a slip. Offered, never applied.

Pairs are looked for only inside small blocks (a rare word in common, the same beginning of the longest word), so that
the cost stays bounded with 200 000 clients: at most `_MOST_PAIRS` comparisons.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz import fuzz

from audit.errors import Lang, Text
from audit.intake.clients import valid_inn
from audit.model.client_names import name_key
from audit.model.intake_report import DuplicateClient

__all__ = ["Client", "suspected_duplicates"]

_BLOCK = 40
_MOST_PAIRS = 1_000_000
_LEAST_SIMILAR = 90.0
_LEAST_SIMILAR_INN = 96.0
"""Two valid ИНН are two legal entities: only nearly equal names are worth a question."""
_DIGITS = re.compile(r"\d+")
SAME_NAME = Text("одно название, разные коды", "the same name under different codes")
NEAR_NAME = Text("похожие названия", "similar names")
NEAR_INN = Text("похожие названия, разные ИНН", "similar names, different ИНН")


@dataclass(frozen=True, slots=True)
class Client:
    """A client with its name as shown and its revenue."""

    key: str
    name: str
    revenue: float


def suspected_duplicates(
    clients: Sequence[Client], lang: Lang, different: Collection[frozenset[str]] = (), most: int = 300
) -> tuple[DuplicateClient, ...]:
    """Return suspected pairs, those with the most revenue at stake first; ``different`` pairs are known to be two.

    Similarity is 0–1 on names without legal form, quotes, case and word order. Names that differ in a number («Клиент
    12», «Клиент 13») are different clients. Clients without a code that only their legal form tells apart are asked
    about once for all (`audit.intake.client_questions`), not here.
    """
    by_key = {c.key: c for c in clients}
    names = {c.key: name_key(c.name) for c in clients if c.name}
    found: dict[tuple[str, str], tuple[float, Text]] = {}
    same: dict[str, list[str]] = defaultdict(list)
    for key, name in names.items():
        same[name].append(key)
    for name, keys in same.items():
        if name and 1 < len(keys) <= _BLOCK:
            for a, b in combinations(sorted(keys), 2):
                if not (a.startswith(name) and b.startswith(name)):
                    found[a, b] = (1.0, SAME_NAME)
    distinct = {name: min(keys) for name, keys in same.items() if name}
    pairs = 0
    for a, b in _candidates(distinct):
        pairs += 1
        if pairs > _MOST_PAIRS:
            break
        if _DIGITS.findall(a) != _DIGITS.findall(b):
            continue
        score = max(fuzz.ratio(a, b, score_cutoff=_LEAST_SIMILAR), _joined(a, b))
        if score < _LEAST_SIMILAR:
            continue
        one, two = sorted((distinct[a], distinct[b]))
        both_inn = valid_inn(one) and valid_inn(two)
        if both_inn and score < _LEAST_SIMILAR_INN:
            continue
        found[one, two] = (score / 100.0, NEAR_INN if both_inn else NEAR_NAME)
    out = [
        DuplicateClient(
            a,
            b,
            by_key[a].name,
            by_key[b].name,
            round(score, 3),
            by_key[a].revenue,
            by_key[b].revenue,
            reason.get(lang),
        )
        for (a, b), (score, reason) in found.items()
        if {a, b} not in different
    ]
    out.sort(key=lambda d: (-min(abs(d.revenue_a), abs(d.revenue_b)), -d.similarity, d.client_a, d.client_b))
    return tuple(out[:most])


def _joined(a: str, b: str) -> float:
    """Likeness without blanks: «пром торг» and «промторг»."""
    return float(fuzz.ratio(a.replace(" ", ""), b.replace(" ", ""), score_cutoff=_LEAST_SIMILAR))


def _candidates(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of names that share a rare word or the beginning of their longest word, each once."""
    blocks: dict[str, list[str]] = defaultdict(list)
    for name in names:
        tokens = name.split()
        for token in set(tokens):
            if len(token) >= 4:
                blocks[token].append(name)
        longest = max(tokens, key=len)
        if len(longest) >= 5:
            blocks[f"^{longest[:4]}"].append(name)
            blocks[f"${longest[-4:]}"].append(name)
        blocks["=" + name.replace(" ", "")[:7]].append(name)
    seen: set[tuple[str, str]] = set()
    for key in sorted(blocks):
        block = blocks[key]
        if not 1 < len(block) <= _BLOCK:
            continue
        for pair in combinations(sorted(block), 2):
            if abs(len(pair[0]) - len(pair[1])) <= 4 and pair not in seen:
                seen.add(pair)
                yield pair
