"""A phase's page: its executed notebook, with verdicts written anew from the run's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.report import outputs, sections
from dsaudit.report.banner import phase_banner
from dsaudit.report.document import HERE, document
from dsaudit.report.telling import Record, counts, on_page, phase_status, phase_title, scopes_of
from dsaudit.verdict import CLOSING_MIME, MIME, Status, card
from dsaudit.verdict.card import SIGNS, anchor, plural, words

if TYPE_CHECKING:
    from nbconvert.exporters import TemplateExporter

WHOLE = "its last cell"  # what ends a phase that ran to its end
ENDED = {
    Status.FAIL: "failed",
    Status.ERROR: "ended with an error",
    Status.INCONCLUSIVE: "could not be decided",
    Status.PASS: "passed",
    Status.WAIVED: "failed and waived",
    Status.SKIPPED: "not run",
}


def page(notebook: Path, name: str, result: Record, names: Sequence[str]) -> str:
    """Return the page of one phase. `names` are all phases, for the way to the others."""
    verdicts = [verdict for verdict in result["verdicts"] if verdict["phase"] == name]
    body = _Body(verdicts, result["run"], notebook.name)
    shown = body.render(notebook)
    others = {other: f"{other}.html" for other in names}
    lost = "\n".join(card.html(verdict, level=3) for verdict in body.left())
    main = [
        sections.strip(result, names, others, here=name),
        sections.section("checks", "Checks of this phase", _contents(verdicts)),
        sections.section("lost", "Checks that the notebook does not show", lost),
        sections.section("notebook", "The executed notebook", f'<div class="notebook">\n{shown}\n</div>'),
        _neighbours(name, names),
    ]
    title = f"{phase_title(name)}: {result['run']['integration']}, {result['run']['environment']}"
    problems = _problems(name, result)
    banner = phase_banner(phase_title(name), verdicts, _status(verdicts, problems), result, problems)
    return document(title, banner, "\n".join(part for part in main if part))


def _status(verdicts: Sequence[Record], problems: Sequence[str]) -> Status:
    """Return a phase's word, which is never green after an early end."""
    status = phase_status(verdicts)
    return max(status, Status.INCONCLUSIVE, key=lambda one: one.rank) if problems else status


def _problems(name: str, result: Record) -> list[str]:
    ended = [phase["ended_by"] for phase in result["phases"] if phase["name"] == name and phase["ended_by"] != WHOLE]
    return [f"This phase did not reach its end: {reason}" for reason in ended]


def _contents(verdicts: Sequence[Record]) -> str:
    if not verdicts:
        return ""
    rows = [
        [
            sections.status_cell(verdict["status"]),
            f'<td><a href="{on_page(verdict)}">{words(verdict["claim"])}</a></td>',
            f"<td>{words(scopes_of(verdict))}</td>",
        ]
        for verdict in _worst_first(verdicts)
    ]
    caption = f"{plural(len(rows), 'check')}, the worst first"
    return f'<div class="ds-table">{card.table(("Status", "Claim", "Examined"), rows, caption)}</div>'


def _neighbours(name: str, names: Sequence[str]) -> str:
    place = list(names).index(name)
    links = ['<a href="../report.html">The whole report</a>']
    if place > 0:
        links.insert(0, f'<a href="{names[place - 1]}.html" rel="prev">← {words(phase_title(names[place - 1]))}</a>')
    if place + 1 < len(names):
        links.append(f'<a href="{names[place + 1]}.html" rel="next">{words(phase_title(names[place + 1]))} →</a>')
    return f'<nav class="neighbours" aria-label="Neighbouring pages">{" ".join(links)}</nav>'


class _Body:
    """Renders a notebook's cells and remembers which of the phase's verdicts it has put among them."""

    def __init__(self, verdicts: Sequence[Record], run: Record, notebook: str) -> None:
        self._verdicts = {verdict["check"]: verdict for verdict in verdicts}
        self._run = run
        self._notebook = notebook
        self._placed: set[str] = set()
        self._closed = False

    def left(self) -> list[Record]:
        """Return the verdicts that no output stands for, such as those of a kernel that died."""
        return [verdict for name, verdict in self._verdicts.items() if name not in self._placed]

    def render(self, path: Path) -> str:
        """Return the notebook's cells as HTML; of a notebook that is not there or not whole, a note."""
        import nbformat

        try:
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        except (OSError, ValueError, nbformat.ValidationError, AttributeError, KeyError, TypeError):
            return outputs.note("The phase left no executed notebook that can be read.")
        # papermill adds a cell above one that failed; the note in the failing cell's own place says it.
        notebook.cells = [
            cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
        ]
        notebook.cells = _joined(notebook.cells)
        body: str = self._exporter().from_notebook_node(notebook)[0]
        return body.strip()

    def _exporter(self) -> TemplateExporter:
        """Return an exporter with our template.

        Not the HTMLExporter: it parses and writes the page once more after everything has been cleaned, with another
        parser than a browser's, and that is where cleaned markup comes alive again.
        """
        from nbconvert.exporters import TemplateExporter

        exporter = TemplateExporter(
            extra_template_basedirs=[str(HERE / "templates")],
            template_name="dsaudit",
            template_file="index.html.j2",
        )
        exporter.register_filter("shown_markdown", outputs.markdown)
        exporter.register_filter("shown_code", _code)
        exporter.register_filter("shown_output", self._output)
        return exporter

    def _output(self, output: Mapping[str, Any]) -> str:
        kind = output.get("output_type")
        if kind == "error":
            shown = outputs.stopped(output.get("ename"), self._notebook)
        elif kind == "stream":
            shown = outputs.plain(output.get("text"))
        else:
            shown = self._data(output.get("data") or {}, output.get("metadata"))
        return f'<div class="output">{shown}</div>' if shown else ""

    def _data(self, bundle: Mapping[str, Any], metadata: Any) -> str:
        if MIME in bundle:
            return self._verdict(bundle[MIME])
        if CLOSING_MIME in bundle:
            return self._closing(bundle[CLOSING_MIME])
        return outputs.data(bundle, metadata)

    def _is_ours(self, record: Any) -> bool:
        told = record if isinstance(record, Mapping) else {}
        return [told.get("run"), told.get("nonce")] == [self._run["id"], self._run["nonce"]]

    def _closing(self, record: Any) -> str:
        """Return what the phase found, from the verdicts that count, at the place where the notebook closed."""
        if not self._is_ours(record) or self._closed:
            return ""
        self._closed = True
        return _found(list(self._verdicts.values()))

    def _verdict(self, record: Any) -> str:
        """Return the card of the run's own record of a check, at the place where the notebook showed one."""
        verdict = self._verdicts.get(str(record.get("check"))) if self._is_ours(record) else None
        if verdict is None:
            return outputs.note("An output that calls itself a verdict, and is none of this run, is left out.")
        if verdict["check"] in self._placed:
            return f'<p class="note">Shown <a href="#{anchor(verdict["check"])}">above</a> already.</p>'
        self._placed.add(verdict["check"])
        return card.html(verdict, level=4)


def _joined(cells: Sequence[Any]) -> list[Any]:
    """Return a notebook's cells with those of code that follow each other as one: its code, then what it showed."""
    joined: list[Any] = []
    for cell in cells:
        if joined and cell.cell_type == joined[-1].cell_type == "code":
            joined[-1].source += f"\n\n{cell.source}"
            joined[-1].outputs = [*joined[-1].get("outputs", []), *cell.get("outputs", [])]
        else:
            joined.append(cell)
    return joined


def _found(verdicts: Sequence[Record]) -> str:
    """Return in a sentence what the checks of a phase found, with a line for each that is not green."""
    numbers = counts(verdicts)
    told = ", ".join(f"{plural(number, 'check')} {ENDED[status]}" for status, number in numbers.items())
    left = [verdict for verdict in _worst_first(verdicts) if verdict["status"] not in (Status.PASS, Status.SKIPPED)]
    if not left:
        nothing = "Nothing that speaks against it" if Status.PASS in numbers else "Nothing was examined"
        return f"<p>{nothing}: {told or 'no check was planned'}.</p>"
    lines = "".join(f"<li>{_line(verdict)}</li>" for verdict in left)
    return f"<p>{told[:1].upper()}{told[1:]}. The worst first:</p><ul>{lines}</ul>"


def _line(verdict: Record) -> str:
    status = Status(verdict["status"])
    found = sum(one["total"] for one in verdict["results"])
    told = f", {plural(found, 'row')}" if found else ""
    return f'{SIGNS[status]} {status.value}{told}: <a href="{on_page(verdict)}">{words(verdict["claim"])}</a>'


def _worst_first(verdicts: Sequence[Record]) -> list[Record]:
    return sorted(verdicts, key=lambda verdict: -Status(verdict["status"]).rank)


def _code(source: str) -> str:
    return f'<details class="code"><summary>Code</summary><pre>{card.code(source)}</pre></details>'
