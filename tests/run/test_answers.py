"""Lines that a click writes into audit.toml: in their place, beside what stands there, and taken back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from audit.errors import SettingsError
from audit.present.forms import write_audit_toml
from audit.run.answers import answers_given, put_lines, take_back, write_answer
from audit.settings import load_settings


def test_a_line_goes_beside_its_example_and_nothing_else_moves(tmp_path: Path) -> None:
    for lang in ("ru", "en"):
        write_audit_toml(tmp_path / "audit.toml", lang)  # type: ignore[arg-type]
        before = (tmp_path / "audit.toml").read_text(encoding="utf-8")
        after = put_lines(before, '[reading]\ndecimal = ","')
        rest = after.split("\n")
        at = rest.index('decimal = ","')
        assert rest[at - 1].startswith("#decimal")
        assert rest[:at] + rest[at + 1 :] == before.split("\n")


def test_what_the_examples_of_a_new_engagement_comment_out_can_all_be_put(tmp_path: Path) -> None:
    write_audit_toml(tmp_path / "audit.toml", "ru")
    text = (tmp_path / "audit.toml").read_text(encoding="utf-8")
    for lines in (
        '[columns]\nclient = "Покупатель"\norder_date = "Дата \\"отгрузки\\""',
        "[reading]\nheader_row = 4",
        '[reading]\nswapped_dates = ["a.csv"]',
        '[people]\nalias = { "Иванов И" = "KM1" }',
        '[[corrections.merge]]\nclient = "C1"\ninto = "C2"\nreason = "ООО = ООО"\nexpect = { revenue = 12.50 }',
        '[company]\nname = "ООО «Хим»"',
    ):
        text = put_lines(text, lines)
    (tmp_path / "audit.toml").write_text(text, encoding="utf-8")
    made = load_settings(tmp_path / "audit.toml")
    assert made.columns == {"client": "Покупатель", "order_date": 'Дата "отгрузки"'}
    assert made.reading.header_row == 4 and made.reading.swapped_dates == ("a.csv",)
    assert made.people.alias == {"Иванов И": "KM1"} and made.corrections.merge[0].into == "C2"


def test_lists_and_tables_grow_other_values_are_replaced() -> None:
    text = '[reading]\nfill_down = [\n  "a.csv",  # the first\n]\nsheet = "Заказы"\n[people]\nalias = {a = "KM1"}\n'
    text = put_lines(text, '[reading]\nfill_down = ["b.csv"]\nsheet = "Книга.xlsx#Лист"\ndecimal = "."')
    text = put_lines(text, '[reading]\ndecimal = ","\nfill_down = ["b.csv"]\n[people]\nalias = {"b c" = "KM2"}')
    assert tomllib.loads(text) == {
        "reading": {"fill_down": ["a.csv", "b.csv"], "sheet": ["Заказы", "Книга.xlsx#Лист"], "decimal": ","},
        "people": {"alias": {"a": "KM1", "b c": "KM2"}},
    }


def test_a_merge_is_written_once() -> None:
    line = '[[corrections.merge]]\nclient = "A"\ninto = "B"\nreason = "same"'
    once = put_lines('[report]\nlang = "ru"\n', line)
    assert put_lines(once, line) == once and once.count("[[corrections.merge]]") == 1


@pytest.mark.parametrize(
    "lines", ['[reading]\ndecimals = ","', "client = Покупатель", "[reading]\nheader_row = 0", 'client = "x"']
)
def test_a_line_that_would_spoil_the_file_is_refused(lines: str, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text("[report]\n", encoding="utf-8")
    with pytest.raises(SettingsError):
        write_answer(tmp_path, lines)
    assert (tmp_path / "audit.toml").read_text(encoding="utf-8") == "[report]\n"
    assert answers_given(tmp_path) == []


def test_a_section_written_as_dotted_keys_is_left_to_the_person() -> None:
    with pytest.raises(SettingsError) as told:
        put_lines('reading.decimal = "."\n', "[reading]\nheader_row = 3")
    assert "could not be put" in told.value.what.en


def test_the_last_answer_can_be_taken_back_unless_the_file_was_changed_since(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("# mine\n", encoding="utf-8")
    write_answer(tmp_path, '[company]\nname = "A"', "What is it called?")
    write_answer(tmp_path, '[company]\nname = "B"')
    assert [g.asked for g in answers_given(tmp_path)] == ["What is it called?", ""]
    assert take_back(tmp_path) is not None and load_settings(path).company.name == "A"
    path.write_text(path.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
    assert take_back(tmp_path) is None and load_settings(path).company.name == "A"
