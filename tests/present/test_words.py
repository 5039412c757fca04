"""Words that are kept out of everything a client reads, and the frame's own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from audit.cli import _MARKS
from audit.errors import Lang
from audit.method import method
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.style import STATUS

ROOT = Path(__file__).resolve().parents[2]
RULES = tomllib.loads((ROOT / "templates" / "forbidden_words.toml").read_text(encoding="utf-8"))
TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
COMMENT = re.compile(r"^#.*$", re.MULTILINE)


def forbidden(text: str, lang: Lang) -> list[str]:
    """Return what the text must not say, with what to say instead."""
    out = []
    for rule in RULES[lang]:
        plain = text
        for phrase in rule.get("except", []):
            plain = re.sub(re.escape(phrase), "", plain, flags=re.IGNORECASE)
        for hit in re.finditer(rule["word"], plain, flags=re.IGNORECASE):
            near = plain[max(0, hit.start() - 40) : hit.end() + 30].replace("\n", " ")
            out.append(f"«{hit.group()}» in …{near}…: {rule['why']}; say: {rule['say']}")
    return out


def _sentences(table: object, lang: Lang) -> list[str]:
    """Return every text of one language in a table of sentences, of a room or of a form."""
    if isinstance(table, str):
        return []
    if isinstance(table, list):
        return [s for item in table for s in _sentences(item, lang)]
    if not isinstance(table, dict):
        return []
    out = []
    for key, value in table.items():
        if isinstance(value, str) and (key == lang or key.endswith(f"_{lang}")):
            out.append(value)
        elif isinstance(value, list) and key == lang:
            out += [v for v in value if isinstance(v, str)]
        else:
            out += _sentences(value, lang)
    return out


TOML = sorted(
    [
        *(ROOT / "templates").glob("narrative/*.toml"),
        *(ROOT / "templates").glob("forms/*.toml"),
        *(ROOT / "audit" / "chapters").glob("*/room.toml"),
        *(ROOT / "audit" / "method" / "data").glob("*.toml"),
    ]
)


@pytest.mark.parametrize("path", TOML, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_sentence_of_the_data_says_a_forbidden_word(path: Path) -> None:
    """What fills a sentence is left out: it is finished values."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    langs: tuple[Lang, ...] = ("ru", "en")
    assert [h for lang in langs for s in _sentences(table, lang) for h in forbidden(TEMPLATE.sub("1", s), lang)] == []


PAGES = sorted(
    [
        *ROOT.glob("README*.md"),
        *(path for name in ("executive", "glossary", "consultant") for path in (ROOT / "docs").glob(f"{name}*.md")),
        *(ROOT / "templates" / "forms").glob("letter_*.j2"),
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_no_page_for_a_client_says_a_forbidden_word(path: Path) -> None:
    lang: Lang = "ru" if ".ru." in path.name or "_ru" in path.name else "en"
    assert forbidden(TEMPLATE.sub("1", path.read_text(encoding="utf-8")), lang) == []


LABEL = re.compile(r'f?"((?:[^"\\\n]|\\.)*[а-яё](?:[^"\\\n]|\\.)*)"', re.IGNORECASE)


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "audit" / "present").rglob("*.py"), *(ROOT / "audit" / "chapters").rglob("*.py")]),
    ids=lambda p: f"{p.parent.name}-{p.stem}",
)
def test_no_russian_text_of_the_code_says_a_forbidden_word(path: Path) -> None:
    """Every literal with a Cyrillic letter outside docstrings is something that a reader may see."""
    source = re.sub(r'"""(?:.|\n)*?"""', "", path.read_text(encoding="utf-8"))
    source = re.sub(r"(?m)#.*$", "", source)
    texts = [m.group(1) for m in LABEL.finditer(source)]
    # literals that a rule looks for in a client's file are no words of ours
    assert [h for t in texts for h in forbidden(t.replace("{", "1").replace("}", ""), "ru")] == []


def test_a_verdict_has_one_mark_everywhere() -> None:
    """The terminal and the report show the same mark; no two verdicts share one."""
    assert {s: m.shape for s, m in STATUS.items()} == _MARKS
    assert len(set(_MARKS.values())) == len(_MARKS)
    assert STATUS["unclear"].word.ru == "нельзя сказать"
    assert STATUS["unclear"].word.en == "cannot tell"


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_target_is_a_sentence(lang: Lang) -> None:
    words = Narrative(lang, Fmt(lang))
    for action in method().actions.values():
        if action.metric is not None:
            said = words.target(action.metric, action.target)
            assert not re.search(r"[≤≥]|\{|—$", said), said
            assert said[0].isupper() or said[0] in "«“", said


def test_a_target_names_its_limit() -> None:
    assert (
        Narrative("ru", Fmt("ru")).target("roles.km_operational_share", 0.2)
        == "Операционная работа за других занимает у КМ не больше 20\u00a0% времени"
    )
    # a metric without a sentence of its own is told in general words
    assert Narrative("en", Fmt("en")).target("service.return_share", 0.02) == "Returns to sales: at most 2%"
