"""The sentences: Russian and English side by side, both or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import SettingsError, speaking
from audit.present import narrative
from audit.present.narrative import narrative_source
from audit.resources import resource_dir


@pytest.mark.parametrize("path", sorted((resource_dir("templates") / "narrative").glob("*.toml")), ids=lambda p: p.stem)
def test_every_sentence_is_there_in_both_languages(path: Path) -> None:
    if path.stem != "glossary":
        assert narrative_source("ru", path.stem).keys() == narrative_source("en", path.stem).keys() != set()


@pytest.mark.parametrize(
    "line", ['title.ru = "Правила"', 'title = "Rules"', 'title.ru = "Правила"\ntitle.en = "Rules"\ntitle.fr = "Règles"']
)
def test_a_sentence_in_one_language_is_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "narrative").mkdir()
    (tmp_path / "narrative" / "own.toml").write_text(f"[sections.rule]\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(narrative, "resource_dir", lambda name: tmp_path)
    with pytest.raises(SettingsError) as caught, speaking("en"):
        narrative_source("en", "own")
    assert caught.value.lines("ru")[0] == "Фраза «sections.rule.title» должна быть и по-русски, и по-английски"
    assert "own.toml" in str(caught.value.where)
