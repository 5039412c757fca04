"""The command from outside: exit codes, messages, files left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from audit.method import method
from audit.resources import resource_dir

SAMPLE = resource_dir("data_samples") / "khimsnab"


def km_audit(*args: str | Path, cwd: Path, lang: str = "en") -> subprocess.CompletedProcess[str]:
    env = {"KM_AUDIT_LANG": lang, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(resource_dir("notebooks").parent)}
    import os

    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, args)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def orders(path: Path, lines: Sequence[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


GOOD = ["order_id;order_date;client_id;amount", "1;2024-01-10;A;100", "2;2024-03-10;A;150", "3;2024-02-01;B;70"]


def test_the_version_needs_no_command(tmp_path: Path) -> None:
    done = km_audit("--version", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("km-audit ") and not done.stderr


def test_the_help_of_every_command_ends_with_an_example_that_is_right() -> None:
    import typer.main
    from typer.testing import CliRunner

    from audit.cli import EXAMPLES, app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(EXAMPLES) == set(commands)
    for name, command in commands.items():
        shown = CliRunner().invoke(app, [name, "--help"])
        assert EXAMPLES[name] in " ".join(shown.output.split()), name
        words = EXAMPLES[name].split()
        assert words[:2] == ["km-audit", name]
        known = {o for p in command.params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= known, name


def test_the_shell_completes_commands(tmp_path: Path) -> None:
    import os

    program = "import sys; sys.argv[0] = 'km-audit'; from audit.cli import main; main()"
    root = str(resource_dir("notebooks").parent)
    asked = {"_KM_AUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "km-audit re", "COMP_CWORD": "1", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split() == ["render"]


@pytest.mark.parametrize(("lang", "third"), [("ru", "Проверить"), ("en", "Check")])
def test_new_says_what_to_do_next_in_three_lines(tmp_path: Path, lang: str, third: str) -> None:
    done = km_audit("new", "acme", cwd=tmp_path, lang=lang)
    steps = [line.strip() for line in done.stdout.splitlines() if line.strip()[:2] in ("1.", "2.", "3.", "4.")]
    assert [s[:2] for s in steps] == ["1.", "2.", "3."]
    assert third in steps[2] and "km-audit check acme" in steps[2] and "km-audit lab acme" in steps[2]
    assert max(map(len, steps)) <= 75, "each is one line of a usual terminal"


def test_screen_writes_findings_for_machines(tmp_path: Path) -> None:
    file = orders(tmp_path / "o.csv", GOOD)
    done = km_audit("screen", "--orders", file, "--out", "f.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert told["schema"] == "km-audit/1"
    assert [f["id"] for f in told["findings"]] == list(method().findings), "every finding is always listed"
    assert told["data"]["rows_read"] == 3
    assert told["data"]["rows_read"] == told["data"]["rows_used"] + told["data"]["rows_set_aside"]
    assert told["data"]["clients"] == 2
    assert told["data"]["revenue"] == 320  # 100 + 150 + 70
    for f in told["findings"]:
        assert f["status"] in ("found", "watch", "clear", "unclear", "not_assessed")
        assert f["status"] != "not_assessed" or f["reason"], f["id"]
    for id, m in told["metrics"].items():
        assert m["value"] is not None or m["reason"], id


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        km_audit(
            "screen",
            "--orders",
            SAMPLE / "orders",
            "--questionnaire",
            SAMPLE / "questionnaire",
            "--out",
            name,
            cwd=tmp_path,
        )
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (None, "not found"),
        ([], "empty"),
        (["client;amount", "A;1"], "date"),
        (["order_date;client;amount", "x;A;1", "y;B;2"], "rows"),
        (["order_date;client;amount"], "rows"),
    ],
    ids=["missing file", "empty file", "no date column", "all rows bad", "header only"],
)
def test_unusable_orders_end_in_a_sentence(tmp_path: Path, make: list[str] | None, says: str) -> None:
    file = tmp_path / "orders.csv"
    if make is not None:
        file.write_text("\n".join(make) + ("\n" if make else ""), encoding="utf-8")
    done = km_audit("run", "--orders", file, "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Error:" in done.stderr
    assert says in done.stderr.lower()
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "out").exists()


def questionnaire(folder: Path, **tables: list[str]) -> Path:
    folder.mkdir()
    base = {
        "company": ["key;value", "name;Acme", "sale_type;TC"],
        "staff": ["person;role;fte", "K1;KM;1", "O1;OP;1"],
        "time": ["person;function;share", "K1;FARM_REPEAT;1", "O1;OPS_ORDER;1"],
    }
    for name, lines in (base | tables).items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"time": ["person;function;share", "K9;FARM_REPEAT;1"]}, "K9"),
        ({"time": ["person;function;share", "K1;FARM_REPEET;1", "O1;OPS_ORDER;1"]}, "FARM_REPEAT"),
        ({"time": ["person;function;share", "K1;FARM_REPEAT;0.5", "O1;OPS_ORDER;1"]}, "0.5"),
        ({"staff": ["person;role;fte", "K1;KMM;1", "O1;OP;1"]}, "KMM"),
    ],
    ids=["unknown person", "unknown function", "shares do not sum to 1", "unknown role"],
)
def test_a_wrong_questionnaire_names_the_cell(tmp_path: Path, tables: dict[str, list[str]], says: str) -> None:
    file = orders(tmp_path / "o.csv", GOOD)
    q = questionnaire(tmp_path / "q", **tables)
    done = km_audit("screen", "--orders", file, "--questionnaire", q, "--out", "f.json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "f.json").exists()


def test_errors_speak_russian_too(tmp_path: Path) -> None:
    done = km_audit("screen", "--orders", "нет.csv", cwd=tmp_path, lang="ru")
    assert done.returncode == 1
    assert "Ошибка:" in done.stderr and "Что сделать:" in done.stderr


def test_wrong_usage_is_exit_code_two(tmp_path: Path) -> None:
    assert km_audit("run", "--no-such-option", cwd=tmp_path).returncode == 2
    assert km_audit("run", cwd=tmp_path).returncode == 2
    assert km_audit("screen", "--orders", "o.csv", "--lang", "de", cwd=tmp_path).returncode == 2


def test_json_errors_are_machine_readable(tmp_path: Path) -> None:
    done = km_audit("screen", "--orders", "no.csv", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "error"


def test_explain(tmp_path: Path) -> None:
    for id in ("roles.km_overload", "retention.second_purchase_share", "OPS_ORDER", "KM", "relieve_km", "TC"):
        for lang in ("ru", "en"):
            done = km_audit("explain", id, "--lang", lang, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert id in done.stdout
    done = km_audit("explain", "roles.km_overlod", cwd=tmp_path)
    assert done.returncode == 1
    assert "roles.km_overload" in done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD[0], "1;2024-01-10;A;100"],
        [GOOD[0], "1;2024-01-10;A;100", "2;2024-01-20;B;50", "3;2024-02-25;A;70"],
        [*GOOD, "9;2199-01-01;A;5"],
        [GOOD[0], "1;2024-01-10;A;100", "2;2024-01-11;A;-100"],
    ],
    ids=["one order", "two months", "a date in the future", "only a purchase and its return"],
)
def test_thin_input_runs_and_says_why_nothing_can_be_judged(tmp_path: Path, lines: list[str]) -> None:
    file = orders(tmp_path / "o.csv", lines)
    done = km_audit("screen", "--orders", file, "--out", "f.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    status = {f["id"]: f for f in told["findings"]}
    assert status["retention.leaky_first_purchase"]["status"] == "not_assessed"
    assert status["retention.leaky_first_purchase"]["reason"]
    assert status["roles.km_overload"]["status"] == "not_assessed"
    if "2199" in lines[-1]:
        assert told["data"]["rows_set_aside"] == 1


def test_check_is_one_screen_and_names_what_is_missing(tmp_path: Path) -> None:
    file = orders(tmp_path / "o.csv", GOOD)
    done = km_audit("check", "--orders", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "read 3 = used 3 + set aside 0" in done.stdout.replace(" ", " ")
    assert "What to add" in done.stdout
    told = json.loads(km_audit("check", "--orders", file, "--json", cwd=tmp_path).stdout)
    assert told["status"] == "usable"
    assert told["not_assessed"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.csv"], "named files have no folder for a page"


def test_check_of_a_folder_leaves_a_page_usable_or_not(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    assert km_audit("new", folder, "--lang", "ru", cwd=tmp_path).returncode == 0
    orders(folder / "orders" / "o.csv", GOOD)
    done = km_audit("check", folder, cwd=tmp_path, lang="ru")
    assert done.returncode == 0, done.stderr
    assert f"Всё это на одной странице: {folder / 'check.html'}" in done.stdout
    assert "анкета не заполнена" in (folder / "check.html").read_text(encoding="utf-8")
    orders(folder / "orders" / "o.csv", [GOOD[0], "1;2024-01-10;A;много"])
    (folder / "check.html").unlink()
    done = km_audit("check", folder, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "check.html" in done.stderr and "rejected_rows.csv" in done.stderr.replace("\n", "")
    assert "много" in (folder / "rejected_rows.csv").read_text(encoding="utf-8-sig")
    assert "“много”" in (folder / "check.html").read_text(encoding="utf-8")
    (folder / "audit.toml").write_text("[reading]\n[reading]\n", encoding="utf-8")
    told = json.loads(km_audit("check", folder, "--json", cwd=tmp_path).stdout)
    assert told["status"] == "error" and told["page"] == str(folder / "check.html")
    assert "[reading]" in told["message"]


def test_a_message_is_never_longer_than_somebody_reads() -> None:
    from audit.errors import LONGEST, InputError, Text

    told = InputError(Text("ы" * 40_000, "y" * 40_000), where="columns: " + "x" * 40_000, todo=Text("a", "b" * 40_000))
    assert all(len(line) <= LONGEST + 20 for line in told.lines("en")) and told.lines("en")[-1].endswith("b…")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_cuts_no_sentence_of_the_help(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from audit.cli import app

    monkeypatch.setenv("COLUMNS", str(columns))
    told = CliRunner().invoke(app, ["--help"], terminal_width=columns).output
    listed = told.partition("Commands:")[2]
    assert "..." not in listed and max(map(len, told.splitlines())) <= columns
    assert " ".join(listed.split()).count("nothing is recomputed.") == 1
