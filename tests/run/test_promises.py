"""The promises' defences, each switched off: what it keeps away happens then, so its own test can go red."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dsaudit import evidence
from dsaudit.run import collect, scrubbing
from dsaudit.verdict import masking
from tests.checks import auditing
from tests.run.conftest import Project
from tests.run.test_false_green import ORPHANS, forged

SHOW_THE_URL = "import os; os.environ['LEDGER_URL']"


def test_without_the_nonce_a_forged_verdict_would_count(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.notebook("04_once", [forged(), ORPHANS])
    assert project.run().result["decision"] == "INCONCLUSIVE"
    monkeypatch.setattr(collect, "_ours", lambda record, run: record is not None)
    assert project.run().result["decision"] == "GO"


def test_without_the_plan_a_check_that_never_ran_would_be_forgotten(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.notebook("04_once", ["audit.check('one_refined_row_per_source_id')", f"if False:\n    {ORPHANS}"])
    assert project.run().result["decision"] == "INCONCLUSIVE"
    whole = collect.collect

    def only_what_ran(plan: list[Any], *rest: Any) -> Any:
        return whole([planned for planned in plan if planned["check"] != "orphans"], *rest)

    monkeypatch.setattr(collect, "collect", only_what_ran)
    assert project.run().result["decision"] == "GO"


def test_without_the_cleaning_and_the_scan_a_secret_would_stay(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.notebook("04_once", [ORPHANS, SHOW_THE_URL])
    assert leaking(project) == set()
    monkeypatch.setattr(scrubbing, "cleaned", lambda notebook, secrets: notebook)
    assert leaking(project) == set()
    monkeypatch.setattr(evidence, "scan", lambda folder, parameters: [])
    assert "04_once.ipynb" in leaking(project)


def leaking(project: Project) -> set[str]:
    """Run, and return the names of the shared files that hold the database's password."""
    folder = project.run().folder
    secret = project.ledger.environment["LEDGER_URL"].split(":")[2].split("@")[0].encode()
    files = [path for path in folder.rglob("*") if path.is_file() and "private" not in path.parts]
    return {path.name for path in files if secret in path.read_bytes()}


def test_without_the_mask_a_name_would_be_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ledger.execute("""update ledger."Member" set "Full Name" = 'another' where code = 'n-00'""")
    assert "Zoë Ångström" not in shown(project)
    monkeypatch.setattr(masking.Mask, "cell", lambda self, value, **_: str(value))
    assert "Zoë Ångström" in shown(project)


def shown(project: Project) -> str:
    """Return all that a failing check displays, in every form that a notebook keeps."""
    with auditing.opened(project.ledger.parameters, project.ledger.environment) as one:
        verdict = one.check("field_differences")
        assert verdict.status == "fail"
        return json.dumps(verdict._repr_mimebundle_(), ensure_ascii=False)


FRAME = [
    "try:\n    audit.reveal()\nexcept PermissionError:\n    print('refused')",
    "frame = audit.differences()\nframe",
    "print(frame.to_csv(), frame.attrs, frame['at_source'].tolist(), set(frame['source_id']))",
    "audit.table('differences')",
    "audit.table('differences_by_id')",
]


def test_in_a_run_the_frame_of_differences_shows_no_text_in_any_form(project: Project) -> None:
    project.ledger.execute("""update ledger."Member" set "Full Name" = 'Ada Lovelace' where code = 'n-00'""")
    project.ledger.execute("""update ledger."Member" set void = true where org = 'S'""")
    project.notebook("04_once", [ORPHANS, *FRAME])
    folder = project.run().folder
    files = [path for path in folder.rglob("*") if path.is_file() and "private" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert "refused" in text and "another text" in text and "missing in refined" in text
    hidden = ["Zoë Ångström", "Ada Lovelace", "n-00", "s-01"]
    assert not [one for one in hidden if one in text or json.dumps(one)[1:-1] in text]
