"""Real runs from the first to the last command over them: told, listed, compared, taken in, pruned, verified."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dsaudit import exports
from dsaudit.evidence import manifest
from tests.history.made import command
from tests.history.test_notifying import receiver
from tests.run.conftest import Project

CHECK = "parents_have_their_children"
OTHER = "one_refined_row_per_source_id"
DAMAGE = "update ledger.invoice_line set void = true where org = 'N'"
EVIDENCE = "evidence: {notify_url_env: NOTIFY_URL, keep_private_days: 0, report_url: 'https://ci.example/{run}'}\n"


@pytest.fixture
def system(project: Project) -> Project:
    """The ledger with a check that a damage makes fail, and an address to tell of it."""
    project.notebook("04_once", [f"audit.check('{CHECK}')", f"audit.check('{OTHER}')"])
    with project.ledger.parameters.open("a", encoding="utf-8") as file:
        file.write(EVIDENCE)
    return project


def runs_of(project: Project) -> list[Path]:
    return sorted((project.root / "reports" / "ledger").glob("2*"))


def test_the_history_of_a_system(system: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = system.ledger.parameters
    page = tmp_path / "step.md"
    with receiver() as (address, received):
        monkeypatch.setenv("NOTIFY_URL", address)
        outputs = [command("run", file)]
        system.ledger.execute(DAMAGE)
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
        outputs += [command("run", file), command("run", file), command("run", file, "--check", OTHER)]
    assert [one.exit_code for one in outputs] == [0, 1, 1, 0], outputs[0].output
    _told_once(received, outputs[1].output)
    assert "told: " not in "".join(outputs[at].output for at in (0, 2, 3))
    assert f"::error title={CHECK}::" in outputs[1].output and "::error" not in outputs[0].output
    assert re.findall("^## .*", page.read_text(), re.MULTILINE) == [
        "## NO-GO: ledger (development)",
        "## NO-GO: ledger (development)",
        "## GO for a part only: ledger (development)",
    ]
    first, second, third, part = runs_of(system)
    _exports_are_sealed(second)
    _listed(system, first, second, third, part)
    _compared(first, second, third)
    _taken_in(system, tmp_path, second)
    _pruned_and_still_intact(system, first)
    shutil.rmtree(second)
    lost = command("history", file)
    assert lost.exit_code == 1 and f"✗ {second.name} is gone" in lost.output


def _told_once(received: list[dict[str, object]], output: str) -> None:
    (message,) = received
    assert (message["decision"], message["before"]) == ("NO-GO", "GO")
    assert str(message["report"]).startswith("https://ci.example/2")
    assert "told: ledger (development): NO-GO, before GO" in output


def _exports_are_sealed(run: Path) -> None:
    listed = manifest.read(run).files
    assert set(exports.EXPORTS) <= set(listed)
    cases = ElementTree.parse(run / "junit.xml").getroot().iter("testcase")
    assert {case.attrib["name"]: [child.tag for child in case] for case in cases} == {
        "decision": ["failure"],
        CHECK: ["failure"],
        OTHER: [],
    }
    assert 'dsaudit_decision{blueprint="datasource",decision="NO-GO"' in (run / "metrics.prom").read_text()
    assert (run / "report.txt").read_text().startswith("NO-GO: ledger (development)\n")


def _listed(system: Project, *runs: Path) -> None:
    done = command("history", system.ledger.parameters)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()[1:]
    assert [line.split()[1] for line in lines] == [run.name for run in reversed(runs)]
    assert "GO (part)" in lines[0] and "NO-GO" in lines[1]
    assert re.search(r"  0    6      0 ", lines[1]) and re.search(r"  6    0      0 ", lines[2])


def _compared(first: Path, second: Path, third: Path) -> None:
    done = command("diff", first, second)
    assert done.exit_code == 1 and f"✗ {CHECK} became red: pass, now fail" in done.output
    assert f"✗ {CHECK}: 6 new, 0 known, 0 fixed" in done.output
    assert len(re.findall(r"^ +new: tenant north, ", done.output, re.MULTILINE)) == 6, done.output
    back = command("diff", second, first)
    assert back.exit_code == 0 and f"{CHECK}: 0 new, 0 known, 6 fixed" in back.output
    same = command("diff", second, third)
    assert same.exit_code == 0 and f"{CHECK}: 0 new, 6 known, 0 fixed" in same.output
    rows = json.loads((second / "result.json").read_text())["changes"]["checks"]
    assert rows == {CHECK: {"new": 6, "known": 0, "fixed": 0}}


def _taken_in(system: Project, tmp_path: Path, run: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "artefact"), "zip", run.parent)
    other = tmp_path / "elsewhere"
    done = command("add", archive, system.ledger.parameters, "--out", other)
    assert done.exit_code == 0 and done.output.count(": added\n") == 4, done.output
    assert not list(other.rglob("private"))
    assert command("history", system.ledger.parameters, "--out", other).exit_code == 0
    verified = command("verify", other / "ledger" / run.name)
    assert verified.exit_code == 0, verified.output


def _pruned_and_still_intact(system: Project, first: Path) -> None:
    done = command("prune", system.ledger.parameters, "--yes")
    assert done.exit_code == 0 and done.output.splitlines()[-1].endswith(" MB of 3 runs removed"), done.output
    assert not (first / "private").exists() and (runs_of(system)[-1] / "private").exists()
    verified = command("verify", first)
    assert verified.exit_code == 0, verified.output
