"""An executed notebook as HTML, its verdicts written anew from the run's result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.report import outputs
from dsaudit.report.document import HERE
from dsaudit.report.telling import Record, counts, on_page
from dsaudit.verdict import CLOSING_MIME, MIME, Status, card
from dsaudit.verdict.card import SIGNS, anchor, plural, words

if TYPE_CHECKING:
    from nbconvert.exporters import TemplateExporter

FRONT = "front"  # the tag of a cell whose output stands before the phases where all of them share a page
ENDED = {
    Status.FAIL: "failed",
    Status.ERROR: "ended with an error",
    Status.INCONCLUSIVE: "could not be decided",
    Status.PASS: "passed",
    Status.WAIVED: "failed and waived",
    Status.SKIPPED: "not run",
}


class Body:
    """Renders a notebook's cells and remembers which of the phase's verdicts it has put among them.

    `show` makes a verdict's card. The cards of the checks in `above` stand elsewhere on the page, and so do the
    outputs that the notebook marks for its front, where the page `has_front`.
    """

    def __init__(
        self,
        verdicts: Sequence[Record],
        run: Record,
        show: Callable[[Record, int], str],
        lower: int,
        above: Collection[str] = (),
        has_front: bool = False,
    ) -> None:
        self._verdicts = {verdict["check"]: verdict for verdict in verdicts}
        self._run, self._show, self._lower, self._above, self._has_front = run, show, lower, above, has_front
        self._notebook = ""
        self._placed: set[str] = set()
        self._closed = False
        self.front: list[str] = []

    def left(self) -> list[Record]:
        """Return the verdicts that no output stands for, such as those of a kernel that died."""
        return [one for name, one in self._verdicts.items() if name not in self._placed and name not in self._above]

    def render(self, path: Path) -> str:
        """Return the notebook's cells as HTML; of a notebook that is not there or not whole, a note."""
        import nbformat

        self._notebook = path.name
        try:
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        except (FileNotFoundError, ValueError, nbformat.ValidationError, AttributeError, KeyError, TypeError):
            return outputs.note("The phase left no executed notebook that can be read.")
        # papermill adds a cell above one that failed; the note in the failing cell's own place says it.
        notebook.cells = [
            cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
        ]
        notebook.cells = _joined(notebook.cells)
        try:
            exporter = _exporter(HERE / "templates")
            exporter.register_filter("shown_markdown", lambda source: outputs.markdown(source, self._lower))
            exporter.register_filter("shown_output", self._output)
            body: str = exporter.from_notebook_node(notebook)[0]
        except Exception:  # what was placed is lost with the rest
            self._placed.clear()
            self.front.clear()
            raise
        return body.strip()

    def _output(self, output: Mapping[str, Any]) -> str:
        try:
            shown = self._shown(output)
        except Exception as error:  # one output that breaks takes no other with it
            shown = outputs.note(f"An output cannot be shown ({type(error).__name__}); it is in {self._notebook}.")
        if shown and self._has_front and output.get(FRONT):
            self.front.append(shown)
            return '<p class="note">Shown <a href="#ds-coverage">above</a>, before the phases.</p>'
        return f'<div class="output">{shown}</div>' if shown else ""

    def _shown(self, output: Mapping[str, Any]) -> str:
        kind = output.get("output_type")
        if kind == "error":
            return outputs.stopped(output.get("ename"), self._notebook)
        if kind == "stream":
            return outputs.plain(output.get("text"))
        bundle = output.get("data") or {}
        if MIME in bundle:
            return self._verdict(bundle[MIME])
        if CLOSING_MIME in bundle:
            return self._closing(bundle[CLOSING_MIME])
        return outputs.data(bundle, output.get("metadata"))

    def _is_ours(self, record: Any) -> bool:
        told = record if isinstance(record, Mapping) else {}
        return [told.get("run"), told.get("nonce")] == [self._run["id"], self._run["nonce"]]

    def _closing(self, record: Any) -> str:
        """Return what the phase found, from the verdicts that count, at the place where the notebook closed."""
        if not self._is_ours(record) or self._closed:
            return ""
        self._closed = True
        return found(list(self._verdicts.values()))

    def _verdict(self, record: Any) -> str:
        """Return the card of the run's own record of a check, at the place where the notebook showed one."""
        verdict = self._verdicts.get(str(record.get("check"))) if self._is_ours(record) else None
        if verdict is None:
            return outputs.note("An output that calls itself a verdict, and is none of this run, is left out.")
        name = verdict["check"]
        if name in self._placed:
            return f'<p class="note">Shown <a href="#{anchor(name)}">above</a> already.</p>'
        if name in self._above:
            shown = f'<p class="elsewhere">{card.badge(verdict["status"])} <a href="#{anchor(name)}">Its card</a></p>'
        else:
            shown = self._show(verdict, min(3 + self._lower, 6))
        self._placed.add(name)
        return shown


@cache
def _exporter(templates: Path) -> TemplateExporter:
    """Return an exporter with our template, made once since it is compiled each time; what filters show is set anew.

    Not the HTMLExporter: it parses and writes the page once more after everything has been cleaned, with another
    parser than a browser's, and that is where cleaned markup comes alive again.
    """
    from nbconvert.exporters import TemplateExporter

    exporter = TemplateExporter(
        extra_template_basedirs=[str(templates)],
        template_name="dsaudit",
        template_file="index.html.j2",
        default_preprocessors=[],  # each would validate and copy the notebook, and do nothing
    )
    exporter.register_filter("shown_code", _code)
    return exporter


def _joined(cells: Sequence[Any]) -> list[Any]:
    """Return a notebook's cells with those of code that follow each other as one: its code, then what it showed."""
    joined: list[Any] = []
    for cell in cells:
        for output in cell.get("outputs", []):
            output[FRONT] = FRONT in cell.metadata.get("tags", [])
        if joined and cell.cell_type == joined[-1].cell_type == "code":
            joined[-1].source += f"\n\n{cell.source}"
            joined[-1].outputs = [*joined[-1].get("outputs", []), *cell.get("outputs", [])]
        else:
            joined.append(cell)
    return joined


def found(verdicts: Sequence[Record]) -> str:
    """Return in a sentence what the checks of a phase found, with a line for each that is not green."""
    numbers = counts(verdicts)
    told = ", ".join(f"{plural(number, 'check')} {ENDED[status]}" for status, number in numbers.items())
    left = [verdict for verdict in worst_first(verdicts) if verdict["status"] not in (Status.PASS, Status.SKIPPED)]
    if not left:
        nothing = "Nothing that speaks against it" if Status.PASS in numbers else "Nothing was examined"
        return f"<p>{nothing}: {told or 'no check was planned'}.</p>"
    lines = "".join(f"<li>{_line(verdict)}</li>" for verdict in left)
    return f"<p>{told[:1].upper()}{told[1:]}. The worst first:</p><ul>{lines}</ul>"


def _line(verdict: Record) -> str:
    status = Status(verdict["status"])
    rows = sum(one["total"] for one in verdict["results"])
    told = f", {plural(rows, 'row')}" if rows else ""
    return f'{SIGNS[status]} {status.value}{told}: <a href="{on_page(verdict)}">{words(verdict["claim"])}</a>'


def worst_first(verdicts: Sequence[Record]) -> list[Record]:
    """Return verdicts with those that weigh most in front."""
    return sorted(verdicts, key=lambda verdict: -Status(verdict["status"]).rank)


def _code(source: str) -> str:
    return f'<details class="code"><summary>Code</summary><pre>{card.code(source)}</pre></details>'
