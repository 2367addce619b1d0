"""What README and CONTRIBUTING show is true: targets, commands, the parameter file, the queries."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dsaudit.checks.finding import parse_query
from dsaudit.parameters import load

ROOT = Path(__file__).parent.parent


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a document that are in a language, indented ones too."""
    text = (ROOT / document).read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


def commands(pattern: str) -> set[str]:
    """What the first group of a pattern finds at the start of README's shell lines."""
    lines = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
    return {found[1] for line in lines if (found := re.match(pattern, line))}


def test_readme_names_the_targets_of_make() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets and commands(r"(?:\w+=\S+ )?make (\w+)") == set(targets[1].split()) - {"setup"}


def test_readme_names_commands_that_exist() -> None:
    verbs = commands(r"\.venv/bin/dsaudit ([\w-]+)")
    assert verbs
    for verb in sorted(verbs):
        subprocess.run([Path(sys.executable).parent / "dsaudit", verb, "--help"], check=True, stdout=subprocess.DEVNULL)


def test_readmes_parameter_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    path.write_text("\n".join(blocks("README.md", "yaml")))  # the system, and a waiver
    assert load(path).integration == "acme-shopify"


@pytest.mark.parametrize(("document", "own"), [("README.md", True), ("CONTRIBUTING.md", False)])
def test_the_query_that_is_shown_is_a_check(document: str, own: bool, tmp_path: Path) -> None:
    (text,) = blocks(document, "sql")
    path = tmp_path / "shown.sql"
    path.write_text(text)
    assert parse_query(path, own=own).query
