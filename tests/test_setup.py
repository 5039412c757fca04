"""The set-up files agree with each other, and what they build works away from the repository."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import audit.resources
from audit.resources import resource_dir
from tools import bootstrap, lock

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
GROUPS = PYPROJECT["dependency-groups"]
RUNTIME = PYPROJECT["project"]["dependencies"] + GROUPS["build"]
NOTEBOOKS = {"00_summary.ipynb", "10_data.ipynb", "30_roles.ipynb", "40_retention.ipynb"}


def pins(name: str) -> dict[str, str]:
    """Package → version of a lock file."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(encoding="utf-8"), re.M))


# ---------------------------------------------------------------- pyproject, locks, conda


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.lock", RUNTIME),
        ("requirements-dev.lock", RUNTIME + EXTRAS["dev"]),
        ("requirements-spark.lock", EXTRAS["spark"]),
        ("requirements-bench.lock", EXTRAS["bench"]),
        ("requirements-uv.lock", GROUPS["installer"]),
    ],
)
def test_every_requirement_is_locked_within_its_bounds(file: str, wanted: list[str]) -> None:
    locked = pins(file)
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.name in locked, f"{file} lacks {requirement.name}: run `make lock`"
        assert requirement.specifier.contains(locked[requirement.name]), f"{file}: {text}: run `make lock`"


def test_the_container_has_what_the_package_needs_works_without_root_and_pins_by_hash() -> None:
    """It cannot be built here; what it names must be there, and the rules it keeps can be read."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^FROM python:(3\.\d+)-slim$", text, re.MULTILINE)
    assert base is not None and base[1] in lock.PYTHONS
    copied = [name for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert {"audit", "notebooks", "templates", "data_samples"} <= set(copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in copied:
        assert (ROOT / name).exists() and f"!{name}" in ignored, name
    assert "--require-hashes" in text and re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_a_package_has_one_version_in_all_lock_files() -> None:
    seen: dict[str, set[str]] = {}
    for file in lock.FILES:
        for name, version in pins(file).items():
            seen.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in seen.items() if len(versions) > 1} == {}
    assert set(pins("requirements.lock")) <= set(pins("requirements-dev.lock"))


@pytest.mark.parametrize("file", list(lock.FILES))
def test_lock_is_hashed_and_names_no_host(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    blocks = lock.blocks(text)
    assert set(blocks) == set(pins(file)) != set()
    assert all("--hash=sha256:" in block for block in blocks.values())
    # Every line is a pin or a hash: no index, no link, no editable path.
    body = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in body if not re.match(r"[a-z0-9._-]+==|    --hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


def test_locks_are_for_the_pythons_that_are_promised() -> None:
    promised = [
        line.rsplit(" ", 1)[-1] for line in PYPROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d", line)
    ]
    assert promised == bootstrap.SUPPORTED == list(lock.PYTHONS)
    assert PYPROJECT["project"]["requires-python"] == f">={promised[0]}" == f">={lock.OLDEST_PYTHON}"


def test_conda_brings_python_and_leaves_the_rest_to_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    plain = [item for item in environment["dependencies"] if isinstance(item, str)]
    (through_pip,) = (item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    names = {re.split(r"[=<>]", item)[0]: item for item in plain}
    assert set(names) == {"python", "pip"}
    python = names["python"].split("=")[1]
    assert python in bootstrap.SUPPORTED
    assert SpecifierSet(PYPROJECT["project"]["requires-python"]).contains(python)
    assert through_pip == ["-r requirements.lock"]
    assert not {"python", "pip"} & set(pins("requirements.lock"))


def imports(folder: Path) -> dict[str, str]:
    """Top-level module → a file that imports it, anywhere in the file, over all files of a folder."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0]: path.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found[(node.module or "").split(".")[0]] = path.name
    return found


def test_the_package_imports_only_what_it_declares() -> None:
    declared = {Requirement(text).name for text in PYPROJECT["project"]["dependencies"] + EXTRAS["spark"]}
    distributions = importlib.metadata.packages_distributions()
    foreign = {
        module: file
        for module, file in imports(ROOT / "audit").items()
        if module not in sys.stdlib_module_names | {"audit"}
    }
    assert "pandas" in foreign
    undeclared = {
        module: file
        for module, file in foreign.items()
        # pyspark is optional: where it is not installed, its module is known by its own name
        if not {name.lower().replace("_", "-") for name in distributions.get(module, [module])} & declared
    }
    assert undeclared == {}


# ---------------------------------------------------------------- the bootstrap


def test_bootstrap_speaks_on_an_old_python_and_needs_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "tools/bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
    assert {"ctypes", "venv", "subprocess"} <= imported


def test_bootstrap_says_everything_in_both_languages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = [{*re.findall(r"{(\w+)", text)} for pair in bootstrap.MESSAGES.values() for text in pair]
    assert fields[::2] == fields[1::2]
    for language, word in (("ru_RU.UTF-8", "Окружение"), ("en_US.UTF-8", "Environment")):
        monkeypatch.setenv("LC_ALL", language)
        bootstrap.say("ready", seconds=1.0)
        assert capsys.readouterr().out.startswith(word)


@pytest.fixture
def small_venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with lock files of one line and a .venv without packages, all of it set up."""
    folder = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    monkeypatch.setattr(bootstrap, "HERE", str(tmp_path))
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", folder)
    monkeypatch.setattr(bootstrap, "STAMP", folder / "km-audit-stamp.json")
    monkeypatch.setattr(bootstrap, "PYTHON", folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    for name in (bootstrap.RUNTIME, bootstrap.DEV, "pyproject.toml"):
        (tmp_path / name).write_text(f"# {name}\n", encoding="utf-8")
    return tmp_path


class RecordingInstaller:
    """Stands for the installer and remembers what it was asked for."""

    asked: list[str]

    def lock(self, name: str) -> None:
        self.asked.append(name)

    def project(self) -> None:
        self.asked.append("project")


def test_bootstrap_installs_only_what_changed(small_venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "Installer", RecordingInstaller)

    def asked(*locks: str) -> list[str]:
        RecordingInstaller.asked = []
        bootstrap.set_up(locks)
        return RecordingInstaller.asked

    # A .venv made by hand is taken as it is; the development lock holds the runtime.
    assert asked(bootstrap.DEV) == [bootstrap.DEV, "project"]
    assert asked(bootstrap.DEV) == []
    assert asked(bootstrap.RUNTIME) == []
    (small_venv / bootstrap.RUNTIME).write_text("# newer\n", encoding="utf-8")
    assert asked(bootstrap.RUNTIME) == [bootstrap.RUNTIME]
    (small_venv / "pyproject.toml").write_text("# newer\n", encoding="utf-8")
    assert asked(bootstrap.RUNTIME) == ["project"]


def test_bootstrap_makes_a_moved_environment_anew(small_venv: Path) -> None:
    stamp = small_venv / ".venv" / "km-audit-stamp.json"
    stamp.write_text(json.dumps({"root": "elsewhere", "python": bootstrap.own_version()}), encoding="utf-8")
    left_over = small_venv / ".venv" / "left-over"
    left_over.touch()
    assert bootstrap.make_venv() == {"root": str(small_venv), "python": bootstrap.own_version()}
    assert not left_over.exists()
    assert json.loads(stamp.read_text(encoding="utf-8")) == {}  # nothing is claimed to be installed yet


def test_bootstrap_leaves_a_folder_alone_that_is_not_its_own(
    small_venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_venv / ".venv").rename(small_venv / "other")
    precious = small_venv / ".venv" / "precious.txt"
    precious.parent.mkdir()
    precious.touch()
    with pytest.raises(SystemExit) as stopped:
        bootstrap.make_venv()
    assert stopped.value.code == 1
    assert str(precious.parent) in capsys.readouterr().out
    assert precious.exists()


# ---------------------------------------------------------------- resources and the wheel


@pytest.mark.parametrize("name", ["notebooks", "templates", "data_samples"])
def test_a_checkout_finds_its_folders(name: audit.resources.Resource) -> None:
    assert resource_dir(name) == ROOT / name


def test_an_incomplete_installation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.resources, "PACKAGE", tmp_path / "audit")
    (tmp_path / "notebooks").mkdir()  # somebody else's, beside an installed package
    with pytest.raises(RuntimeError, match="install km-audit again"):
        resource_dir("notebooks")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n', encoding="utf-8")
    with pytest.raises(RuntimeError, match="incomplete"):
        resource_dir("notebooks")
    with pytest.raises(ValueError, match="data_samples"):
        resource_dir("secrets")  # type: ignore[arg-type]


def built(source: Path, kind: str, into: Path) -> Path:
    """Build without isolation and network, with the locked build tool."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    (result,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return result


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a user gets it: from the source archive, so that the archive is whole as well."""
    archive = built(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    subprocess.run([sys.executable, "-m", "tarfile", "-e", str(archive), str(unpacked)], check=True)
    (source,) = unpacked.iterdir()
    return built(source, "wheel", tmp_path_factory.mktemp("wheel"))


def tracked(folder: str) -> set[str]:
    """Files of a folder in the checkout that are the project's own, relative to the repository."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }


def test_the_wheel_carries_the_package_and_its_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "km-audit = audit.cli:main" in archive.read(entry_points).decode()
    assert tracked("audit") <= names
    for folder in ("notebooks", "templates", "data_samples"):
        assert {f"audit/_bundle/{name}" for name in tracked(folder)} <= names
    assert {f"audit/_bundle/notebooks/{name}" for name in NOTEBOOKS} <= names
    assert "audit/py.typed" in names
    # Nothing but the package: no tests, no tools, no compiled files of this machine.
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"audit"}
    assert [name for name in names if name.endswith((".pyc", ".pyo"))] == []


@pytest.fixture(scope="module")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel unpacked in it; only the locked packages are lent to it.

    They come through a .pth file. Python does not read the .pth files of a folder named that way, so
    the editable install of the checkout stays behind: what is imported is the wheel's.
    """
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    asked = [str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    lent = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}
    (site / "lent.pth").write_text("\n".join(sorted(lent)), encoding="utf-8")
    return python


def outside(python: Path, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the bare environment's Python in a folder that has nothing to do with the repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # nbconvert's own templates are data files of the lending environment.
    environment |= {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"), "PYTHONUTF8": "1"}
    return subprocess.run(
        [str(python), *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


def test_the_wheel_finds_its_folders_anywhere(bare_python: Path, tmp_path: Path) -> None:
    code = (
        "import json, audit.resources as r; n = ['notebooks', 'templates', 'data_samples'];"
        "d = {x: r.resource_dir(x) for x in n};"
        "print(json.dumps({x: [str(p), sorted(f.name for f in p.iterdir())] for x, p in d.items()}))"
    )
    done = outside(bare_python, ["-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    home = bare_python.parent.parent.resolve()
    for name, (path, files) in found.items():
        assert Path(path).resolve().is_relative_to(home), f"{name} was taken from {path}"
        assert set(files) == {shipped.split("/")[1] for shipped in tracked(name)}
    assert set(found["notebooks"][1]) >= NOTEBOOKS


@pytest.mark.slow
def test_the_wheel_audits_its_sample_outside_the_repository(bare_python: Path, tmp_path: Path) -> None:
    done = outside(bare_python, ["-m", "audit", "demo", "--lang", "en", "--out", str(tmp_path / "out")], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = {path.resolve() for path in (tmp_path / "out").rglob("report.html")}  # latest is the same
    assert report.stat().st_size > 10_000
    assert str(ROOT) not in report.read_text(encoding="utf-8")
