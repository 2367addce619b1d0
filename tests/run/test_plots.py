"""The plots of a real run stand in its report with a sentence for those who do not see them."""

from __future__ import annotations

from tests.report.reading import Page
from tests.run.conftest import Project


def test_every_plot_of_a_report_says_what_it_shows(project: Project) -> None:
    project.ledger.execute("delete from ledger.invoice_line where org = 'N' and line = 1")
    cells = [
        "from dsaudit import plots",
        "plots.differences_by_cause(audit.differences());",
        "plots.latency(audit.frame('hops'));",
        "audit.check('source_missing_in_refined')",
    ]
    project.notebook("04_once", cells)
    page = Page((project.run().folder / "phases" / "04_once.html").read_text(encoding="utf-8"))
    told = [one.attributes["alt"] for one in page.elements if one.tag == "img"]
    assert told[0].startswith("Why records differ: the most frequent is ")
    assert told[1:] == ["From the change at the source to the refined row: nothing to show."]
