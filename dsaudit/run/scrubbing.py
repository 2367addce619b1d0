"""Executed notebooks, cleaned before they reach the disk: of secrets, of the words of exceptions, of widgets.

The last look through all files (`dsaudit.evidence.scan`) is a second net below this one: each holds without the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence import Secrets, write_atomically
from dsaudit.wording import class_name

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG = "dsaudit-secret-masked"  # of a cell in which one stood: the run is never green with it
NOTE = "A secret stood in this cell. It was masked, and the run says so.\n"
QUOTES = "left out, since it may quote the data"


class Cleaning:
    """What papermill writes notebooks with: see ``papermill.iorw.papermill_io.register``."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def write(self, text: str, path: str) -> None:
        """Write an executed notebook, cleaned and in one piece."""
        import nbformat

        notebook = cleaned(nbformat.reads(text, as_version=4), self._secrets)
        write_atomically(Path(path), nbformat.writes(notebook))

    def pretty_path(self, path: str) -> str:
        """Return how a path is told."""
        return path


def cleaned(notebook: NotebookNode, secrets: Secrets) -> NotebookNode:
    """Return an executed notebook without what may not be shared."""
    from nbformat import from_dict

    for name in ("papermill", "widgets"):  # paths of this machine and a status not to be relied on; any state at all
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = _coalesced(cell.outputs)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.ename, output.evalue, output.traceback = class_name(output.ename, "Exception"), QUOTES, []
    if secrets.are_in(notebook):
        notebook.cells = [_masked(cell, secrets) for cell in notebook.cells]
        notebook.metadata = from_dict(secrets.masked(notebook.metadata))
    return notebook


def _coalesced(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's outputs with each stream in one piece, since a secret may be printed in several.

    nbclient could do it, in a time that grows with the square of a line's length, and in which nothing stops it.
    """
    kept = []
    texts: dict[str, list[str]] = {}
    for output in outputs:
        if output.output_type != "stream" or output.name not in texts:
            kept.append(output)
        if output.output_type == "stream":
            texts.setdefault(output.name, []).append(output.text)
    for output in kept:
        if output.output_type == "stream":
            output.text = _overwritten("".join(texts[output.name]))
    for place in range(1, len(kept)):  # which of the two a kernel is heard of first, is chance
        if [one.get("name") for one in kept[place - 1 : place + 1]] == ["stderr", "stdout"]:
            kept[place - 1 : place + 1] = kept[place], kept[place - 1]
    return kept


def _overwritten(text: str) -> str:
    """Return a text without what a terminal would have written over, as the steps of a progress bar."""
    return "\n".join(line[line[:-1].rfind("\r") + 1 :] for line in text.split("\n"))


def _masked(cell: NotebookNode, secrets: Secrets) -> NotebookNode:
    from nbformat import from_dict
    from nbformat.v4 import new_output

    if not secrets.are_in(cell):
        return cell
    masked: Any = from_dict(secrets.masked(cell))
    if secrets.are_in(masked):  # in pieces, over several outputs
        masked.outputs = []
    masked.metadata.tags = [*masked.metadata.get("tags", []), TAG]
    if "outputs" in masked:
        masked.outputs.insert(0, new_output("stream", name="stderr", text=NOTE))
    return masked
