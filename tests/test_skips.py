"""A skip fails where CI=true, unless its reason is listed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import LISTED

ROOT = Path(__file__).parent.parent
SUITE = f"""
import pytest

@pytest.mark.skip(reason="{LISTED[0]} here")
def test_listed(): ...

@pytest.mark.skip(reason="no time today")
def test_unlisted(): ...

@pytest.mark.parametrize("item", [])
def test_of_nothing(item): ...

@pytest.mark.xfail(reason="expected")
def test_expected(): assert False
"""


def counts(folder: Path, continuous: str, *options: str) -> dict[str, int]:
    """Run the suite in a process of its own; how many tests ended how."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, folder],
        cwd=folder,
        env={**os.environ, "CI": continuous, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", run.stdout.splitlines()[-1])}


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_an_unlisted_skip_fails_in_ci(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    found = counts(tmp_path, "true", *options)
    assert (found["errors"], found["skipped"], found["xfailed"]) == (2, 1, 1)


def test_an_unlisted_module_skip_fails_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text('import pytest\npytest.skip("no time", allow_module_level=True)')
    assert "error" in counts(tmp_path, "true")


def test_elsewhere_any_skip_is_a_skip(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    found = counts(tmp_path, "")
    assert (found.get("errors"), found["skipped"]) == (None, 3)
