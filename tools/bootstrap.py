#!/usr/bin/env python3
"""Set the kit up in .venv and start it: `python tools/bootstrap.py demo`, on a bare machine too.

Standard library only, on any system; `make demo`, `make test` and `make check` are this script. It
finds a suitable Python, makes .venv (also where Debian ships no ensurepip), installs the locked
packages with their hashes and byte-compiles them (without that imports are several times slower).
It never asks. A second start changes nothing and takes a fraction of a second; a stamp in .venv
remembers what the locks said.

The code keeps to the syntax of Python 3.6, so that an old Python prints a sentence, not a SyntaxError.
"""

import os
import subprocess
import sys
import time
from typing import Dict, List, NoReturn, Optional, Sequence

try:
    import argparse
    import ctypes
    import hashlib
    import importlib.util
    import json
    import shutil
    import tempfile
    import venv  # noqa: F401 - only asked whether it is there
    from pathlib import Path

    COMPLETE = True
except ImportError:  # Debian's python3-minimal: a good version with half of the standard library
    COMPLETE = False

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]  # what the lock files have wheels for
WINDOWS = os.name == "nt"
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

RUNTIME, DEV, SPARK, BENCH, INSTALLER = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-spark.lock",
    "requirements-bench.lock",
    "requirements-uv.lock",
)

MESSAGES = {
    "other_version": (
        "Нужен Python {oldest}–{newest}, найден {found}. Установите подходящий рядом с ним и повторите.",
        "Python {oldest} to {newest} is needed, found {found}. Install one beside it and try again.",
    ),
    "other_python": ("Запускаю на {path}", "Using {path}"),
    "half_python": (
        "Python установлен не целиком. Попросите администратора выполнить: apt-get install {package}",
        "This Python is incomplete. Ask an administrator to run: apt-get install {package}",
    ),
    "apt": ("Системные пакеты: {packages}", "System packages: {packages}"),
    "apt_failed": ("Не удалось поставить {packages}: {reason}", "Could not install {packages}: {reason}"),
    "venv": ("Окружение .venv на Python {version}", "Environment .venv with Python {version}"),
    "venv_moved": (
        "Окружение .venv осталось от другой папки или другого Python: создаю заново",
        "The .venv belongs to another folder or another Python: making it anew",
    ),
    "venv_foreign": (
        "{path} — не окружение для этого проекта. Уберите или переименуйте папку и повторите.",
        "{path} is not an environment for this project. Move it away and try again.",
    ),
    "venv_failed": (
        "Не удалось создать виртуальное окружение: {reason}",
        "A virtual environment could not be made: {reason}",
    ),
    "no_pip": (
        "В этом Python нет pip, и взять его негде. Попросите администратора выполнить: "
        "apt-get install {package} (или поставьте uv либо conda), затем повторите.",
        "This Python has no pip and there is nowhere to take it from. Ask an administrator to run: "
        "apt-get install {package} (or install uv or conda), then try again.",
    ),
    "packages": ("Пакеты из {lock}: {count} шт.", "Packages of {lock}: {count}"),
    "slow_way": ("Быстрый установщик не сработал, ставлю через pip", "The fast installer failed, using pip"),
    "install_failed": (
        "Пакеты не установились. Установщик говорит:\n{reason}\n"
        "Проверьте доступ к каталогу пакетов (настройки pip: индекс, прокси) и повторите.",
        "The packages could not be installed. The installer says:\n{reason}\n"
        "Check the way to the package index (pip's settings: index, proxy) and try again.",
    ),
    "ready": ("Окружение готово за {seconds:.0f} с", "Environment ready in {seconds:.0f} s"),
}  # type: Dict[str, tuple[str, str]]


def speaks_russian() -> bool:
    """Tell whether the user's system is set to Russian."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name].lower().startswith("ru")
    if not WINDOWS or not COMPLETE:
        return False
    # The interface language; the locale module would report the regional format instead.
    language = ctypes.windll.kernel32.GetUserDefaultUILanguage()  # type: ignore[attr-defined,unused-ignore]
    return bool(language & 0x3FF == 0x19)


def say(key: str, **values: object) -> None:
    """Print one line of MESSAGES in the user's language."""
    print(MESSAGES[key][0 if speaks_russian() else 1].format(**values), flush=True)


def stop(key: str, **values: object) -> NoReturn:
    """Print one line of MESSAGES and leave with exit code 1."""
    say(key, **values)
    sys.exit(1)


def run(command: Sequence[str], folder: str = HERE, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a program quietly, away from settings that would send packages elsewhere than .venv."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **more}
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV"):
        environment.pop(name, None)
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, stdout=str(error))


def tail(text: str, lines: int = 1) -> str:
    """Return the last lines that say something; pip's warnings about its retries do not."""
    telling = [line for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return "\n".join(telling[-lines:])


# ---------------------------------------------------------------- the system's own packages


def apt_prefix() -> Optional[List[str]]:
    """Return how apt-get may be called here without a question, or None."""
    if not os.path.exists("/usr/bin/apt-get") or os.environ.get("KM_AUDIT_NO_APT"):
        return None
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]
    if os.geteuid() == 0:
        return quiet
    if os.path.exists("/usr/bin/sudo") and run(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n", *quiet]
    return None


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian or Ubuntu packages; a failure is told in one line and left to the caller."""
    apt = apt_prefix()
    if apt is None:
        return False
    say("apt", packages=" ".join(packages))
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    done = run(install)
    if done.returncode:
        # The list of packages is missing or out of date. An update may fail for one source and still help.
        run([*apt, "update"])
        done = run(install)
    if done.returncode:
        say("apt_failed", packages=" ".join(packages), reason=tail(done.stdout))
    return done.returncode == 0


def see_to_system(testing: bool) -> None:
    """Get what pip cannot bring, in one go where apt may be used: the venv of Debian, and on CI what tests look with."""
    groups = []  # type: List[List[str]]
    if not PYTHON.exists() and importlib.util.find_spec("ensurepip") is None:
        groups.append([venv_package()])
    if testing and os.environ.get("CI"):  # on a person's machine these tests skip, with a reason
        if not any(shutil.which(name) for name in ("chromium", "google-chrome")):
            groups.append(["chromium"])
        if not any(shutil.which(name) for name in ("firefox-esr", "firefox")):
            groups.append(["firefox-esr"])
        if not (shutil.which("WebKitWebDriver") and shutil.which("Xvfb")):
            groups.append(["webkit2gtk-driver", "xvfb"])  # the forms are for whatever browser a person has
        if not shutil.which("pdftotext"):
            groups.append(["poppler-utils"])
        if not any(shutil.which(name) for name in ("soffice", "libreoffice")):
            groups.append(["libreoffice-calc", "libreoffice-impress"])  # opens the questionnaire and the slides
    if groups and apt_prefix() and not apt_install([package for group in groups for package in group]):
        for group in groups:
            apt_install(group)


# ---------------------------------------------------------------- Python and .venv


def own_version() -> str:
    """Return the version of the Python that runs this, as 3.11."""
    return "{}.{}".format(*sys.version_info[:2])


def venv_package() -> str:
    """Name the Debian package that completes this Python."""
    return "python{}-venv".format(own_version())


def start_again(python: List[str]) -> NoReturn:
    """Go on with another interpreter (or with this one, once it is complete)."""
    sys.exit(subprocess.call([*python, os.path.abspath(__file__), *sys.argv[1:]]))


def use_suitable_python() -> None:
    """Return when this Python will do; otherwise continue in one that does, or stop with a sentence."""
    if own_version() in SUPPORTED:
        if COMPLETE:
            return
        if apt_install([venv_package()]) or apt_install(["python3-venv"]):
            start_again([sys.executable])
        stop("half_python", package=venv_package())
    for name in reversed(SUPPORTED):
        candidate = ["py", "-" + name] if WINDOWS else ["python" + name]
        probe = run([*candidate, "-c", "import sys; print(sys.executable)"])
        if probe.returncode == 0:
            say("other_python", path=tail(probe.stdout))
            start_again(candidate)
    stop("other_version", oldest=SUPPORTED[0], newest=SUPPORTED[-1], found=own_version())


if COMPLETE:
    ROOT = Path(HERE)
    VENV = ROOT / ".venv"
    PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
    STAMP = VENV / "km-audit-stamp.json"


def fingerprint(name: str) -> str:
    """Return what a file says, as a hash."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def read_stamp() -> Optional[Dict[str, str]]:
    """Return what earlier runs installed; None where there is no stamp of ours."""
    if not STAMP.exists():
        return None
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: Dict[str, str]) -> None:
    """Remember what is installed; written aside first, an interrupted run leaves no false stamp."""
    aside = STAMP.with_suffix(".new")
    aside.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    aside.replace(STAMP)


def venv_version() -> str:
    """Return the version that .venv's Python reports, "" when it does not run."""
    probe = run([str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    return tail(probe.stdout) if probe.returncode == 0 else ""


def make_venv() -> Dict[str, str]:
    """Make .venv, or keep the one that is there, and return its stamp."""
    stamp = read_stamp()
    works = venv_version()
    # An environment cannot be moved, nor follow its Python to another version.
    if stamp and works and stamp.get("root") == HERE and stamp.get("python") == works:
        return stamp
    if VENV.exists():
        if stamp is None and works in SUPPORTED:
            return {"root": HERE, "python": works}  # made by hand: use it as it is
        if stamp is None:
            stop("venv_foreign", path=VENV)
        say("venv_moved")
        shutil.rmtree(str(VENV))
    say("venv", version=sys.version.split()[0])
    VENV.mkdir()
    write_stamp({})  # from here on the folder is known as ours, even if the next line is interrupted
    # Not sys.executable: that may be the environment just removed, if its Python started this script.
    python = getattr(sys, "_base_executable", sys.executable)
    made = run([python, "-m", "venv", str(VENV)])
    if made.returncode:  # no ensurepip, and no right to install it: pip has to come from elsewhere
        made = run([python, "-m", "venv", "--without-pip", str(VENV)])
    if made.returncode:
        stop("venv_failed", reason=tail(made.stdout, 3))
    return {"root": HERE, "python": venv_version()}


# ---------------------------------------------------------------- the locked packages


def pip_from_debian(folder: "Path") -> Optional[List[str]]:
    """Take pip's wheel out of Debian's own package, which any user may download; return how to call it."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")) or os.environ.get("KM_AUDIT_NO_APT"):
        return None
    lists, cache = folder / "lists", folder / "cache"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    private = ["-o", "Dir::State::lists={}/".format(lists), "-o", "Dir::Cache={}/".format(cache)]
    attempts = [[], private]  # type: List[List[str]]
    for settings in attempts:  # with the system's lists of packages, or, where those are empty, with our own
        if settings and run(["apt-get", *settings, "update"]).returncode:
            return None
        run(["apt-get", *settings, "download", "python3-pip-whl"], folder=str(folder))
        for package in folder.glob("python3-pip-whl_*.deb"):
            run(["dpkg-deb", "-x", str(package), str(folder / "unpacked")])
        for wheel in (folder / "unpacked").glob("usr/share/python-wheels/pip-*.whl"):
            return [str(PYTHON), str(wheel / "pip"), str(wheel)]
    return None


def find_pip() -> List[str]:
    """Return how to call pip for .venv, wherever it comes from."""
    own = [str(PYTHON), "-m", "pip"]
    if run([*own, "--version"]).returncode == 0:
        return own
    system = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if run([*system, "--version"]).returncode == 0:
        return system
    with tempfile.TemporaryDirectory() as folder:
        found = pip_from_debian(Path(folder))
        if found:
            program, wheel = found[:2], found[2]
            # Exactly what ensurepip does, with the same wheel.
            if run([*program, "install", "--no-index", "--no-deps", wheel]).returncode == 0:
                return own
    stop("no_pip", package=venv_package())


def find_uv(pip: List[str]) -> Optional[List[str]]:
    """Get uv, a locked wheel that installs the rest about three times faster than pip, or do without."""
    if run([*pip, "install", "--quiet", "--require-hashes", "-r", INSTALLER]).returncode:
        return None
    program = PYTHON.with_name("uv.exe" if WINDOWS else "uv")
    return [str(program), "--quiet", "pip"] if program.exists() else None


def uv_settings(pip: List[str]) -> Dict[str, str]:
    """Hand pip's settings on: uv does not read them, and a company's own package index is set there."""
    known = {}  # type: Dict[str, str]
    for line in run([*pip, "config", "list"]).stdout.splitlines():
        key, _, value = line.partition("=")
        known[key.rsplit(".", 1)[-1]] = value.strip().strip("'\"")
    handed = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
    settings = {name: known[key] for name, key in handed.items() if known.get(key) and name not in os.environ}
    if known.get("proxy"):
        settings.update(HTTPS_PROXY=known["proxy"], HTTP_PROXY=known["proxy"])
    if not os.access(os.path.expanduser("~"), os.W_OK):  # a service account without a home
        settings["UV_NO_CACHE"] = "1"
    return settings


class Installer:
    """Put packages into .venv with uv where it can be had, with pip where not."""

    def __init__(self) -> None:
        self.pip = find_pip()
        self.uv = find_uv(self.pip)
        self.uv_settings = uv_settings(self.pip) if self.uv else {}

    def install(self, arguments: List[str], compile_flags: Sequence[str] = ("", "")) -> None:
        """Install, or stop with the installer's own last words."""
        fast, slow = ([flag] if flag else [] for flag in compile_flags)
        if self.uv:
            command = [*self.uv, "install", "--python", str(PYTHON), *fast, *arguments]
            if run(command, **self.uv_settings).returncode == 0:
                return
            say("slow_way")
            self.uv = None
        done = run([*self.pip, "install", "--quiet", *slow, *arguments])
        if done.returncode:
            stop("install_failed", reason=tail(done.stdout, 3))

    def lock(self, name: str) -> None:
        """Install one lock file, every download checked against its hash."""
        pins = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if "==" in line]
        say("packages", lock=name, count=len([pin for pin in pins if pin[0].isalnum()]))
        self.install(["--require-hashes", "-r", name], ("--compile-bytecode", "--compile"))

    def project(self) -> None:
        """Install the kit itself as a link to this folder; the build tool is already there, locked."""
        self.install(["--no-deps", "--no-build-isolation", "--editable", "."])
        run([str(PYTHON), "-m", "compileall", "-q", "audit"])


def set_up(locks: Sequence[str]) -> None:
    """Bring .venv to what the lock files say, doing only what is missing."""
    started = time.monotonic()
    stamp = make_venv()
    missing = [name for name in locks if stamp.get(name) != fingerprint(name)]
    linked = stamp.get("pyproject.toml") == fingerprint("pyproject.toml")
    if linked and not missing:
        return
    installer = Installer()
    for name in missing:
        installer.lock(name)
        stamp[name] = fingerprint(name)
        if name == DEV:  # holds the runtime in the same versions: nothing is left to do for it
            stamp[RUNTIME] = fingerprint(RUNTIME)
        write_stamp(stamp)
    if not linked:
        installer.project()
        stamp["pyproject.toml"] = fingerprint("pyproject.toml")
        write_stamp(stamp)
    say("ready", seconds=time.monotonic() - started)


def start(arguments: Sequence[str]) -> int:
    """Run a module of .venv in the foreground and return its exit code."""
    try:
        return subprocess.call([str(PYTHON), "-m", *arguments], cwd=HERE)
    except KeyboardInterrupt:  # the program has said what it had to say
        return 130


def main() -> int:
    """Read the command, set up what it needs, run it."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a console of another alphabet shows ? and goes on
    use_suitable_python()
    parser = argparse.ArgumentParser(description="Set up .venv and run the kit in it.")
    parser.add_argument(
        "command",
        nargs="?",
        default="install",
        choices=["install", "demo", "test", "check"],
        help="install (the default) only sets up; what follows demo or test goes to km-audit demo or pytest",
    )
    parser.add_argument("--dev", action="store_true", help="also what the tests need")
    parser.add_argument("--spark", action="store_true", help="also Spark on this machine (needs Java 17)")
    parser.add_argument("--bench", action="store_true", help="also the peers of benchmarks/")
    options, rest = parser.parse_known_args()
    if rest and options.command not in ("demo", "test"):
        parser.error("unknown: {}".format(" ".join(rest)))

    testing = options.command in ("test", "check")
    locks = [DEV if options.dev or testing else RUNTIME]
    locks += [SPARK] * options.spark + [BENCH] * options.bench
    see_to_system(testing)
    set_up(locks)

    if options.command == "demo":
        return start(["audit", "demo", *rest])
    if options.command == "check":
        return start(["ruff", "check"]) or start(["ruff", "format", "--check"]) or start(["mypy"]) or tests(rest)
    return tests(rest) if testing else 0


def tests(arguments: Sequence[str]) -> int:
    """Run the tests on all cores, a file on one of them: what a file prepares is prepared once."""
    return start(["pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *arguments])


if __name__ == "__main__":
    sys.exit(main())
