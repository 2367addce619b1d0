"""Prometheus' own `promtool`: whether rules are valid, and whether their unit tests pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dsaudit.monitoring import given
from dsaudit.observability.refused import Refusal, of_rules, of_tests

SECONDS = 120


class NoPromtool(Exception):
    """It cannot be asked; the message says why."""


def checked(path: Path) -> list[Refusal]:
    """Return what promtool finds wrong with a file of rules, rule by rule.

    Raises
    ------
    NoPromtool
        It is not installed, or does not end.
    """
    try:
        return checked_groups(given.groups(path))
    except given.NoRules:
        code, said = _asked("check", "rules", path.name, folder=path.parent)
        return [] if code == 0 else of_rules(_told(said), path.name)


def checked_groups(groups: list[dict[str, Any]]) -> list[Refusal]:
    """Return what promtool finds wrong with groups of rules; raises as `checked` does."""
    with tempfile.TemporaryDirectory() as folder:
        # As promtool takes it: a PrometheusRule of Kubernetes it would refuse.
        copy = Path(folder) / "rules.yml"
        copy.write_text(yaml.safe_dump({"groups": groups}, allow_unicode=True, sort_keys=False), encoding="utf-8")
        code, said = _asked("check", "rules", copy.name, folder=copy.parent)
    return [] if code == 0 else of_rules(_told(said), copy.name)


def tested(path: Path) -> list[Refusal]:
    """Return which unit tests of a file fail, with what they expected and got; raises `NoPromtool`."""
    code, said = _asked("test", "rules", path.name, folder=path.parent)
    return [] if code == 0 else of_tests(_told(said))


def fired(path: Path) -> set[str]:
    """Return the alerts that a file of unit tests expects to fire at some time; empty where it cannot be read."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return set(_fired(document))
    except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError):
        return set()


def _fired(document: dict[str, Any]) -> Iterator[str]:
    for test in document.get("tests") or []:
        for one in test.get("alert_rule_test") or []:
            if one.get("exp_alerts"):
                yield str(one.get("alertname"))
        for one in test.get("promql_expr_test") or []:
            if one.get("exp_samples"):
                yield from re.findall(r'ALERTS\{[^}]*alertname="(\w+)"', str(one.get("expr")))


def _asked(*arguments: str, folder: Path) -> tuple[int, str]:
    program = shutil.which("promtool")
    if program is None:
        raise NoPromtool("promtool is not installed; it comes with Prometheus")
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise NoPromtool(f"promtool did not end within {SECONDS} s") from None
    except OSError as error:
        raise NoPromtool(f"promtool could not be started: {error.strerror}") from None
    return done.returncode, done.stdout + "\n" + done.stderr


def _told(said: str) -> list[str]:
    """Return the lines that tell what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    of_itself = ("Checking ", "Unit Testing:", "FAILED", "SUCCESS")
    return [line for line in lines if not line.startswith(of_itself)] or lines
