"""Lint, types and import layers: what holds the house together is tested like everything else."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

CHECKS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_house_is_in_order(name: str) -> None:
    program, *arguments = CHECKS[name]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [str(BIN / program), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_the_readme_gives_the_two_commands_and_ci_calls_the_second() -> None:
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci/run").read_text()
    assert "pip install . && chaperone demo" in readme
    tests = "pip install -e '.[dev]' && pytest"
    assert tests in readme
    assert tests in ci.replace(" --quiet", "")


def test_an_image_takes_in_what_the_build_needs_and_no_secrets() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    let_in = {f"!{each}" for each in needed | {*wheel["packages"], *wheel["force-include"]}}
    assert patterns[0] == "*"  # the last pattern that fits counts
    assert set(patterns[1 : 1 + len(let_in)]) == let_in
    assert {"**/.env*", "**/*.key", "**/*.sqlite3*"} <= set(patterns[1 + len(let_in) :])


def test_every_file_the_readme_points_at_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target
