"""What `dsaudit check` says of flows and states: what would be done, what is not set, which columns are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsaudit.parameters import load
from dsaudit.run.preflight.acting import flowed
from dsaudit.run.preflight.line import Line
from dsaudit.run.preflight.tables import database_ways
from examples.discovery.sample import Sample
from tests.checks.auditing import variables
from tests.flows.acting import CORES, FLOWS, own_file

pytestmark = pytest.mark.xdist_group("flows")

STATES = """
states:
  - resource: data_import
    column: status
    moves: {pending: [completed], completed: []}
    history: {table: raw_import_records, of: data_import_id, from: is_valid, to: is_valid, at: created_at}
    missing: {column: import_name, fields: {name: filename}}
    required: {completed: [total_records]}
    provenance: {column: import_type.doc, fields: [filename], values: [a]}
    derived: {failed_records: "0"}
"""


def lines(sample: Sample, folder: Path, text: str = "", change: Callable[[str], str] = str, **given: str) -> list[Line]:
    path = own_file(sample, folder, FLOWS + text, change)
    with variables({**sample.environment, **CORES, **given}):
        return list(flowed(load(path)))


def test_what_would_be_done_is_told(sample: Sample, tmp_path: Path) -> None:
    (line,) = lines(sample, tmp_path)
    assert line.ok is True
    assert line.words == (
        "with --live, 2 flows would be done through the API and taken away again: import_and_look, refused;"
        " without, nothing is done"
    )
    (line,) = lines(
        sample, tmp_path, change=lambda text: text.replace("environment: development", "environment: production")
    )
    assert line.words == "declared, and never done in production"


def test_what_is_not_set_or_not_there_is_told_with_its_place(sample: Sample, tmp_path: Path) -> None:
    (line,) = lines(sample, tmp_path, FLOWS_TEST_CORES="")
    assert line.ok is False and ": flow_variables.CORES: FLOWS_TEST_CORES is not set; with --live," in line.words
    _, line = lines(sample, tmp_path, "answers: no/such.json\n")
    assert line.ok is False
    assert line.words.endswith(": answers: there is no file no/such.json, so no answer is held against its schema")


MISTAKES = {
    "column: status": (
        "column: state",
        "states[0].column: public.data_imports has no column state; did you mean status?",
    ),
    "table: raw_import_records": (
        "table: raw_records",
        "states[0].history.table: the database has no table raw_records",
    ),
    "at: created_at": ("at: create", "states[0].history.at: public.raw_import_records has no column create"),
    "{name: filename}": ("{name: filenam}", "states[0].missing.fields.name: public.data_imports has no column filenam"),
    "[total_records]": ("[total]", "states[0].required.completed: public.data_imports has no column total"),
    "import_type.doc": ("kind.doc", "states[0].provenance.column: public.data_imports has no column kind"),
    "failed_records": ("failures", "states[0].derived.failures: public.data_imports has no column failures"),
}


def told_of_states(sample: Sample, path: Path) -> list[str]:
    with variables(sample.environment):
        return [line.words for line in database_ways(load(path)) if line.way == "states"]


@pytest.mark.parametrize(("named", "instead"), MISTAKES.items())
def test_a_column_that_is_not_there_is_told_with_its_place(
    sample: Sample, tmp_path: Path, named: str, instead: tuple[str, str]
) -> None:
    wrong, said = instead
    assert told_of_states(sample, own_file(sample, tmp_path, STATES)) == []
    (line,) = told_of_states(sample, own_file(sample, tmp_path, STATES.replace(named, wrong, 1)))
    assert said in line
