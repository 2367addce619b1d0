"""The README's commands, as a user gives them: the tour finds every fault; the audit is `tests.test_installation`'s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit.parameters import project_root
from tests.command_lines import DSAUDIT


def _outside() -> Iterator[tuple[str, str]]:
    """Yield the variables of a shell that knows of no sample."""
    return ((name, value) for name, value in os.environ.items() if not name.startswith("STOREFRONT_"))


def dsaudit(*arguments: str) -> subprocess.CompletedProcess[str]:
    variables = dict(_outside())
    return subprocess.run(
        [*DSAUDIT, *arguments],
        cwd=project_root(),
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def result_in(out: Path) -> dict[str, object]:
    (path,) = out.glob("*/*/result.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "faults"), [("storefront", 8), ("referrals", 4), ("discovery", 4), ("listings", 4)]
)
def test_the_tour_finds_every_fault_and_raises_no_false_alarm(example: str, faults: int, tmp_path: Path) -> None:
    done = dsaudit("tour", "--seed", "3", "--out", str(tmp_path), "--example", example)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert len({line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("✓")}) >= faults
    result = result_in(tmp_path)
    assert (result["decision"], result["exit"]) == ("NO-GO", 1)


@pytest.mark.parametrize("words", ["list", "sample faults"])
def test_a_reader_that_has_gone_ends_a_command_in_silence(words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*DSAUDIT, *words.split()]
    done = subprocess.run(command, cwd=project_root(), stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_sample_can_be_tried_without_auditing_it() -> None:
    done = dsaudit("check", "parameters/sample.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ source of acme: answers" in done.stdout and ", 3 be skipped" in done.stdout
    assert "– source" not in done.stdout and "– provider" not in done.stdout, done.stdout
    assert "✓ live: with --live, a customer of acme would be created" in done.stdout and "not asked for" in done.stdout
    assert "✓ reading acme: at least " in done.stdout and " calls for " in done.stdout


def test_what_is_planted_in_the_code_of_the_sample_that_is_up_is_found(tmp_path: Path) -> None:
    """By the commands of the README: the faults are in copies, which the parameter file of that sample names."""
    (tmp_path / f"dsaudit-{os.getuid()}").mkdir(mode=0o700)
    told: dict[str, Any] = {
        "env": {**dict(_outside()), "XDG_RUNTIME_DIR": str(tmp_path)},
        "cwd": project_root(),
        "text": True,
    }
    with subprocess.Popen([*DSAUDIT, "sample", "up"], stdout=subprocess.DEVNULL, **told) as sample:
        try:
            until = time.monotonic() + 180
            while not list(tmp_path.glob("*/storefront.json")) and time.monotonic() < until:
                time.sleep(0.2)
            subprocess.run([*DSAUDIT, "sample", "plant", "paging_taken_out"], check=True, capture_output=True, **told)
            options = ["--attach", "--check", "sync_functions_paginate", "--out", str(tmp_path / "out")]
            run = [*DSAUDIT, "run", "parameters/sample.yml", *options]
            done = subprocess.run(run, check=False, capture_output=True, **told)
            check = [*DSAUDIT, "check", "parameters/sample.yml", "--attach"]
            tried = subprocess.run(check, check=False, capture_output=True, **told)
            state = json.loads(next(tmp_path.glob("*/storefront.json")).read_text(encoding="utf-8"))
            with psycopg.connect(state["environment"]["STOREFRONT_AUDIT_URL"]) as connection:
                (identity,) = connection.execute("select system_identifier from pg_control_system()").fetchone() or ()
        finally:
            sample.terminate()  # the command and the sample are one process: nothing of it stays behind
            assert sample.wait(timeout=60) == 0
    assert not list(tmp_path.glob("*/storefront.json"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert tried.stdout.startswith(f"✓ database: {identity}/"), tried.stdout + tried.stderr


def test_help_is_quick_since_it_imports_nothing_slow() -> None:
    code = (
        "import sys, contextlib\nfrom dsaudit.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "slow = {'pandas', 'matplotlib', 'papermill', 'nbconvert', 'sqlalchemy', 'pydantic', 'rich'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
