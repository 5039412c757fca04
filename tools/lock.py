"""Write the lock files: exact versions with hashes for every system and Python we support, no host named.

For maintainers (`make lock`, `make lock UPGRADE=1`); needs `uv` on PATH. Users install with plain pip.
One resolution over everything first, then one file per purpose cut from it: the same package has the
same version in all of them. Versions already locked are kept unless --upgrade is given.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The oldest Python we promise is Debian 12's 3.11.2: a release that asks for 3.11.5 must not get in.
OLDEST_PYTHON = "3.11"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (
    "windows",
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
)

# Indirect requirements held back, each with the reason.
HELD_BACK = {"argon2-cffi-bindings<26": "26 publishes no wheel for Intel Macs, and a consultant has no compiler"}
# Published as source only; it is pure Python, so every system can install it.
SOURCE_ONLY = ("pyspark",)

# file → what it is for, the extra of pyproject.toml (or group, for the installer) in it, whether the
# kit's own requirements are in it too
FILES: dict[str, tuple[str, str, bool]] = {
    "requirements.lock": ("What the kit runs on", "", True),
    "requirements-dev.lock": ("What the kit runs on and is tested with", "dev", True),
    "requirements-spark.lock": ("Spark on this machine, beside requirements.lock", "spark", False),
    "requirements-bench.lock": ("Peers for benchmarks/, beside requirements.lock", "bench", False),
    "requirements-uv.lock": ("The installer that tools/bootstrap.py prefers to pip", "installer", False),
}

BLOCK = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==.*?(?=^[a-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def uv(arguments: Sequence[str], stdin: str | None = None) -> str:
    """Run uv and return what it printed; its own message is shown when it refuses."""
    done = subprocess.run(
        ["uv", "pip", *arguments], cwd=ROOT, input=stdin, text=True, encoding="utf-8", capture_output=True
    )
    if done.returncode:
        sys.exit(f"uv could not finish:\n{done.stderr.strip()}")
    return done.stdout


def blocks(text: str) -> dict[str, str]:
    """Split a lock file into one block per package: the pin with its hashes."""
    return {match["name"]: match.group().rstrip() + "\n" for match in BLOCK.finditer(text)}


def compiled(source: Sequence[str], into: Path, extra: Iterable[str], stdin: str | None = None) -> str:
    """Resolve for every system at once and return the lock's text without uv's own header."""
    uv(
        [
            "compile",
            *source,
            "--universal",
            f"--python-version={OLDEST_PYTHON}",
            # One version for all Pythons, so that two colleagues get the same figures.
            "--fork-strategy=fewest",
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-annotate",
            "--no-header",
            "--quiet",
            f"--output-file={into}",
            *extra,
        ],
        stdin,
    )
    return into.read_text(encoding="utf-8")


def main() -> None:
    """Resolve once, cut the files, and check that compiled packages come ready-made everywhere."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--upgrade", action="store_true", help="take newer versions where they exist")
    upgrade = options.parse_args().upgrade
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts: dict[str, list[str]] = project["project"]["optional-dependencies"] | project["dependency-groups"]

    with tempfile.TemporaryDirectory() as folder:
        everything, part, held = (Path(folder) / name for name in ("all.txt", "part.txt", "held.txt"))
        held.write_text("\n".join(HELD_BACK) + "\n", encoding="utf-8")
        if not upgrade:
            known: dict[str, str] = {}
            for name in FILES:
                if (ROOT / name).exists():
                    known |= blocks((ROOT / name).read_text(encoding="utf-8"))
            everything.write_text("".join(known.values()), encoding="utf-8")
        compiled(
            ["pyproject.toml", "--group=build", "--group=installer", "--all-extras"],
            everything,
            [f"--constraints={held}"],
        )

        for name, (purpose, wanted, with_runtime) in FILES.items():
            part.unlink(missing_ok=True)
            pins = [f"--constraints={everything}"]
            if with_runtime:
                extra = [f"--extra={wanted}"] if wanted else []
                body = compiled(["pyproject.toml", "--group=build", *extra], part, pins)
            else:
                body = compiled(["-"], part, pins, stdin="\n".join(parts[wanted]))
            header = f"# {purpose}. Written by `make lock`; change pyproject.toml instead.\n"
            (ROOT / name).write_text(header + body, encoding="utf-8", newline="\n")
            print(f"{name}: {len(blocks(body))} packages")

        ready_made(everything, Path(folder) / "target")


def ready_made(lock: Path, target: Path) -> None:
    """Ask the resolver whether each locked package has a wheel for each system and Python; else stop."""
    for python in PYTHONS:
        for platform in PLATFORMS:
            uv(
                [
                    "install",
                    "--dry-run",
                    "--no-deps",
                    "--quiet",
                    f"--python-platform={platform}",
                    f"--python-version={python}",
                    "--only-binary=:all:",
                    *(f"--no-binary={name}" for name in SOURCE_ONLY),
                    f"--target={target}",
                    f"--requirements={lock}",
                ]
            )
    print(f"wheels exist for Python {', '.join(PYTHONS)} on {', '.join(PLATFORMS)}")


if __name__ == "__main__":
    main()
