"""The house itself: one place for versions, a light import, documents that agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
PYTHONS = ("3.11", "3.12", "3.13")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_declared_package_is_pinned_inside_its_range(python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.5"}
    pinned = {
        canonical(pin.name): str(next(iter(pin.specifier)).version)
        for pin in pins()
        if pin.marker is None or pin.marker.evaluate(environment)
    }
    for wanted in DECLARED + EXTRAS["dev"] + EXTRAS["cluster"]:
        version = pinned.get(canonical(wanted.name))
        assert version is not None, f"{wanted.name} has no pin for Python {python}"
        assert wanted.specifier.contains(version), f"{wanted.name} {version} is outside {wanted}"


def test_requirements_are_exact_and_name_no_place() -> None:
    for pin in pins():
        assert [s.operator for s in pin.specifier] == ["=="], f"{pin} is not exact"
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)


def test_python_range_is_the_same_everywhere() -> None:
    wanted = SpecifierSet(PROJECT["requires-python"])
    assert [p for p in ("3.10", *PYTHONS, "3.14") if wanted.contains(f"{p}.0")] == list(PYTHONS)
    environment = (ROOT / "environment.yml").read_text()
    stated = re.search(r"- python(\S+)", environment)
    assert stated is not None
    assert SpecifierSet(stated.group(1)) == wanted
    assert "Python 3.11, 3.12 or 3.13" in (ROOT / "README.md").read_text()
    assert "(3, 11) <= v < (3, 14)" in (ROOT / "Makefile").read_text()


def test_environment_installs_the_tested_set() -> None:
    environment = (ROOT / "environment.yml").read_text()
    assert "-r requirements.txt" in environment
    assert "-e ." in environment


def test_readme_names_the_torch_range_and_the_tested_version() -> None:
    readme = (ROOT / "README.md").read_text()
    torch = next(r for r in DECLARED if r.name == "torch")
    assert SpecifierSet(">=2.11,!=2.13.*") == torch.specifier
    assert "`torch>=2.11,!=2.13.*`" in readme
    pinned = next(str(next(iter(p.specifier)).version) for p in pins() if p.name == "torch")
    assert f"torch {pinned}" in readme


def test_readme_shows_only_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", readme)) <= targets
    assert {"reproduce", "test", "lab"} <= set(re.findall(r"make ([a-z]+)", readme))
    assert set(re.findall(r"\.\[([a-z0-9]+)\]", readme)) <= set(EXTRAS)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert found
    for block in found:
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert (tmp_path / "cam.png").stat().st_size > 10_000


def test_import_is_light() -> None:
    """`import reidlib` imports nothing but itself, so it costs milliseconds beside torch."""
    code = (
        "import sys, json, time; before = set(sys.modules); start = time.perf_counter();"
        "import reidlib; spent = time.perf_counter() - start;"
        "new = sorted(m.split('.')[0] for m in set(sys.modules) - before);"
        "print(json.dumps([spent, new]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spent, new = json.loads(done.stdout)
    assert spent < 0.5
    assert set(new) == {"reidlib"}


@pytest.mark.parametrize(
    "module", ["reidlib.training", "reidlib.evaluation", "reidlib.models", "reidlib.data"]
)
def test_heavy_libraries_wait_until_they_are_used(module: str) -> None:
    heavy = {"torchvision", "sklearn", "pandas", "matplotlib", "accelerate", "scipy", "IPython"}
    code = f"import sys, {module}; print(' '.join(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())


def test_nothing_names_a_machine() -> None:
    """No absolute path of somebody's machine in anything that is shipped."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".ipynb", ".toml", ".yml", ".json", ".cfg", ".html"}:
            found = re.search(r"/(home|Users|root|work)/[A-Za-z0-9_.]+", path.read_text())
            assert found is None, f"{name} names {found and found.group()}"
