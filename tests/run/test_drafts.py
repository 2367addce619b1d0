"""Documents that a notebook drafts stand beside the report, and only those of this run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.report.reading import Page
from tests.run.conftest import Project

CHECK = "audit.check('orphans')"
FORGED = """
from dsaudit.audit.display import Draft
from IPython.display import display
display(Draft("", "", "data_model", "no nonce"))
display(Draft(audit._handoff.run, "0" * 32, "integration", "another's nonce"))
display(Draft(*audit._marks, "../../outside", "no document"))
"""
LEAKING = """
import os
from dsaudit.audit.display import Draft
Draft(*audit._marks, "webhook_analysis", os.environ["LEDGER_URL"])
"""


def texts(folder: Path) -> dict[str, str]:
    """Return the documents in a run's folder, but for the summary."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md") if path.name != "summary.md"}


def test_a_draft_stands_beside_the_report_and_is_linked_from_its_phase(project: Project) -> None:
    project.notebook("04_once", [CHECK, "audit.draft('webhook_analysis')"])
    outcome = project.run()
    text = texts(outcome.folder)["webhook_analysis.md"]
    assert text.startswith("# ledger: webhook coverage analysis\n\nDrafted by dsaudit from its audit of `ledger` at ")
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert outcome.result["drafts"] == [
        {"name": "webhook_analysis", "phase": "04_once", "path": "webhook_analysis.md", "sha256": digest}
    ]
    for page, address in [("report.html", "webhook_analysis.md"), ("phases/04_once.html", "../webhook_analysis.md")]:
        shown = Page((outcome.folder / page).read_text(encoding="utf-8"))
        links = [one.attributes["href"] for one in shown.elements if one.tag == "a" and "href" in one.attributes]
        assert address in links
    assert "webhook_analysis.md, " in (outcome.folder / "phases" / "04_once.html").read_text(encoding="utf-8")


def test_only_what_carries_the_runs_nonce_and_a_documents_name_is_written(project: Project) -> None:
    project.notebook("04_once", [CHECK, FORGED])
    outcome = project.run()
    assert (outcome.result["drafts"], texts(outcome.folder)) == ([], {})
    assert not [*outcome.folder.parent.parent.glob("outside*")]


def test_a_draft_that_holds_a_secret_is_masked_and_the_run_is_not_green(project: Project) -> None:
    project.notebook("04_once", [CHECK, LEAKING])
    outcome = project.run()
    assert outcome.result["decision"] == "INCONCLUSIVE"
    assert texts(outcome.folder) == {"webhook_analysis.md": "***"}
    assert any("secret" in problem for problem in outcome.result["problems"])
