"""Answers that the sample never gives: slow, late, broken, no JSON, against their schema, telling too much."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dsaudit.verdict import Status
from examples.discovery.sample import Sample
from tests.flows.acting import (
    ENDED,
    NOTHING,
    QUICK,
    REFUSED,
    SCHEMA,
    Answer,
    Done,
    Told,
    answering,
    done,
    own_file,
)

pytestmark = pytest.mark.xdist_group("flows")

THING = {"id": 7, "price": "299.990", "state": "partial", "made_at": None, "parts": [{"n": 1}]}
NOT_FOUND = {"error": {"code": "not_found", "message": "there is no thing nine"}}
CLEAN: dict[str, list[Answer]] = {
    "POST things": [(202, {"thing": 7})],
    "GET things/7": [(404, NOT_FOUND), (200, {**THING, "state": "new"}), (200, THING)],
    "GET things/9": [(404, NOT_FOUND)],
    "DELETE things/7": [(204, "")],
}
FLOW = """
flows:
  - name: things
    wait_seconds: 0.5
    steps:
      - {do: POST things, body: {name: "{mark}", sizes: [1.5, 2]}, status: 202, keep: {thing: thing}}
      - do: GET things/{thing}
        until: {state: partial}
        holds: {id: 7, price: 299.99, parts: [{n: 1.0}], made_at: null}
      - {do: GET things/9, status: 404}
"""


def json_of(schema: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


THINGS = {
    "get": {
        "responses": {
            "200": json_of({"$ref": "#/components/schemas/Thing"}, "application/json; charset=utf-8"),
            "404": json_of({"required": ["error"]}),
        }
    }
}
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://things.example/api/v1"}],
    "paths": {
        "/things": {"post": {"responses": {"2XX": {"$ref": "#/components/responses/Made"}}}},
        "/things/{id}": THINGS,
    },
    "components": {
        "responses": {"Made": json_of({"properties": {"thing": {"type": "integer"}}})},
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "state"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "price": {"type": "string", "nullable": True},
                    "state": {"enum": ["partial", "full"]},
                    "made_at": {"type": "string", "nullable": True},
                    "parts": {"type": "array", "items": {"type": "object"}},
                },
            }
        },
    },
}


@contextmanager
def asked(
    sample: Sample,
    folder: Path,
    flow: str = FLOW,
    answers: Any = OPENAPI,
    changes: Mapping[str, list[Answer]] | None = None,
) -> Iterator[tuple[Done, Told]]:
    """Do the flow on an API that answers cleanly but for the changes, by their requests."""
    given = {**CLEAN, **(changes or {})}
    text = flow
    if answers is not None:
        (folder / "answers.json").write_text(
            answers if isinstance(answers, str) else json.dumps(answers), encoding="utf-8"
        )
        text += f"answers: {folder / 'answers.json'}\n"
    with answering(given) as api:
        path = own_file(sample, folder, text)
        with done(path, {**sample.environment, "DISCOVERY_API": api.url}) as (found, _):
            yield found, api


def test_late_answers_and_numbers_in_texts_are_as_declared_and_fit_their_schemas(
    sample: Sample, tmp_path: Path
) -> None:
    with asked(sample, tmp_path) as (found, api):
        assert found.unlike_pass == []
        assert found.verdicts[SCHEMA].examined == 3 and found.verdicts[REFUSED].examined == 1
        assert api.asked == ["POST things", *["GET things/7"] * 3, "GET things/9"]
        assert api.bodies[0]["name"].startswith("dsaudit-") and api.bodies[0]["sizes"] == [1.5, 2]


def test_what_has_no_audited_row_proves_nothing_of_its_removal(sample: Sample, tmp_path: Path) -> None:
    text = FLOW + '    remove: [{do: "DELETE things/{thing}"}]\n'
    with asked(sample, tmp_path, text) as (found, api):
        assert found.reasons(NOTHING) == {"no row of it came, in any audited table"}
        assert api.asked[-1] == "DELETE things/7" and found.left is None
    with asked(sample, tmp_path, text, changes={"DELETE things/7": [(500, "")]}) as (found, _):
        assert [row["problem"] for row in found.rows[NOTHING]] == ["DELETE things/{thing}: answered with 500"]


def test_a_slow_flow_is_told_with_its_slowest_step(sample: Sample, tmp_path: Path) -> None:
    text = FLOW.replace("wait_seconds: 0.5", "wait_seconds: 5\n    seconds: 0.2")
    with asked(sample, tmp_path, text, changes={"GET things/9": [(404, NOT_FOUND, 0.6)]}) as (found, _):
        assert found.status(ENDED) is Status.PASS and found.status(QUICK) is Status.FAIL
        (row,) = found.rows[QUICK]
        assert row["slowest_step"] == "3 GET things/9" and row["limit_seconds"] == 0.2 and float(row["seconds"]) > 0.6


BROKEN: dict[str, tuple[str, list[Answer], str, str, str]] = {
    "never in time": ("GET things/7", [(200, {**THING, "state": "new"})], "until state", "partial, within 500 ms",
                      "new"),
    "never there": ("GET things/7", [(404, NOT_FOUND)], "status", "a success", "404"),
    "broken": ("GET things/7", [(500, "oops")], "status", "a success", "500"),
    "no JSON": ("GET things/7", [(200, "<html>")], "answer", "JSON", "no JSON"),
    "no strict JSON": ("GET things/7", [(200, '{"state": "partial", "state": "new"}')], "answer", "JSON", "no JSON"),
    "too much": ("GET things/7", [(200, "[" + "1," * 60_000 + "1]")], "answer", "JSON",
                 "an answer of more than 100 kB"),
    "not in time": ("GET things/7", [(200, THING, 1.5)], "answer", "an answer", "not answered within 500 ms"),
    "another number": ("GET things/7", [(200, {**THING, "price": "299.9"})], "price", "299.99", '"299.9"'),
    "true for 1": ("GET things/7", [(200, {**THING, "parts": [{"n": True}]})], "parts", '[{"n": 1.0}]', "a list of 1"),
    "what is not there": ("GET things/7", [(200, {"id": 7, "state": "partial", "price": 299.99, "parts": [{"n": 1}]})],
                          "made_at", "null", "nothing there"),
    "a name": ("GET things/7", [(200, {**THING, "id": "Zoë Ångström"})], "id", "7", "a text of 12 letters"),
    "a redirect": ("POST things", [(307, "")], "status", "202", "307"),
    "an empty id": ("POST things", [(202, {"thing": " "})], "keep thing", "a text or a whole number at thing",
                    "a text of 1 letter"),
    "an id that climbs": ("POST things", [(202, {"thing": ".."})], "keep thing", "a text or a whole number at thing",
                          "a text of 2 letters"),
    "not refused": ("GET things/9", [(200, THING)], "status", "404", "200"),
}  # fmt: skip


def test_an_answer_that_is_not_as_declared_is_named(sample: Sample, tmp_path: Path) -> None:
    flows, answers = "flows:\n", dict[str, list[Answer]]()
    for number, (name, (request, given, *_)) in enumerate(BROKEN.items()):

        def own(text: str, number: int = number) -> str:
            return re.sub("(GET|POST|DELETE) things", rf"\1 of/{number}/things", text)

        flows += own(FLOW.partition("flows:\n")[2]).replace("name: things", f"name: {name.replace(' ', '_').lower()}")
        answers |= {own(known): one for known, one in {**CLEAN, request: given}.items()}
    with asked(sample, tmp_path, flows, None, answers) as (found, api):
        rows = {str(row["flow"]): row for row in found.rows[ENDED]}
        assert len(rows) == len(found.rows[ENDED]) == len(BROKEN)
        for number, (name, (request, _, what, expected, there)) in enumerate(BROKEN.items()):
            row = rows[name.replace(" ", "_").lower()]
            assert (row["what"], row["expected"], row["found"]) == (what, expected, there), name
            if request == "GET things/7" and what in ("status", "answer") and there != "404":
                assert api.asked.count(f"GET of/{number}/things/7") == 1, name  # it is no use to ask again
        assert found.rows[REFUSED] == []  # what was not refused is no refusal


MISFITS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another type": ({"price": 299.99}, "price", "is a number, where string belongs"),
    "null": ({"parts": None}, "parts", "is null, where array belongs"),
    "no bound": ({"parts": [7]}, "parts.0", "is a number, where object belongs"),
    "another name": ({"secret": "x"}, "the whole", "has names that the schema does not: secret"),
}


@pytest.mark.parametrize(("change", "at", "problem"), MISFITS.values(), ids=MISFITS)
def test_an_answer_that_does_not_fit_its_schema_is_named_by_its_place(
    sample: Sample, tmp_path: Path, change: dict[str, Any], at: str, problem: str
) -> None:
    flow = FLOW.replace(" parts: [{n: 1.0}],", "")
    with asked(sample, tmp_path, flow, changes={"GET things/7": [(200, {**THING, **change})]}) as (found, _):
        assert found.status(ENDED) is Status.PASS
        (row,) = found.rows[SCHEMA]
        assert (row["at"], row["problem"], row["step"]) == (at, problem, "2 GET things/{thing}")


def test_a_status_that_is_not_described_is_named_and_a_request_that_is_not_is_left_out(
    sample: Sample, tmp_path: Path
) -> None:
    document = json.loads(json.dumps(OPENAPI))
    del document["paths"]["/things/{id}"]["get"]["responses"]["404"]
    del document["paths"]["/things"]
    with asked(sample, tmp_path, FLOW, document) as (found, _):
        (row,) = found.rows[SCHEMA]
        assert (row["status"], row["problem"]) == (404, "no answer with this status is described")
        assert "POST things is not in the file of answers" in found.verdicts[SCHEMA].limits
    others = {"openapi": "3.1.0", "paths": {"/others": {"get": {"responses": {"200": {}}}}}}
    with asked(sample, tmp_path, FLOW, others) as (found, _):
        assert found.reasons(SCHEMA) == {"no answer could be held against a schema of the file"}


def test_plain_schemas_by_request_are_read_too(sample: Sample, tmp_path: Path) -> None:
    schemas = {
        "$defs": {"Id": {"type": "integer"}},
        "POST things": {"properties": {"thing": {"$ref": "#/$defs/Id"}}},
        "GET things/{id}": {"required": ["state"]},
        "GET things/{id} 404": {"required": ["error", "trace"]},
    }
    with asked(sample, tmp_path, FLOW, schemas) as (found, _):
        assert [(row["status"], row["problem"]) for row in found.rows[SCHEMA]] == [(404, "lacks trace")]
        assert found.verdicts[SCHEMA].examined == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is neither OpenAPI nor an object of schemas by request"),
        ("{}", "it tells of no answer"),
    ],
)
def test_a_file_of_answers_that_cannot_be_used_is_told(sample: Sample, tmp_path: Path, text: str, reason: str) -> None:
    with asked(sample, tmp_path, FLOW, text) as (found, _):
        assert found.status(SCHEMA) is Status.INCONCLUSIVE and found.status(ENDED) is Status.PASS
        assert reason in str(found.reasons(SCHEMA))


def test_a_reference_that_leads_out_of_the_file_is_told(sample: Sample, tmp_path: Path) -> None:
    with asked(sample, tmp_path, FLOW, {"GET things/{id}": {"$ref": "other.json#/Thing"}}) as (found, _):
        assert found.status(SCHEMA) is Status.INCONCLUSIVE
        assert any("other.json#/Thing, which is not in the file" in one for one in found.verdicts[SCHEMA].limits)


TRACE = "Traceback (most recent call last):\n  File \"/srv/app/things.py\", line 7, in get\nKeyError: 'x'"
UNREADABLE = "is not readable: code and message belong at error"
A_FILE = "shows the name of a file of code"
CARELESS: dict[str, tuple[Any, set[str]]] = {
    "plain text": ("no such thing", {UNREADABLE}),
    "an empty message": ({"error": {"code": "x", "message": ""}}, {UNREADABLE}),
    "a trace": ({**NOT_FOUND, "detail": TRACE}, {"shows a stack trace", A_FILE}),
    "a query": ({**NOT_FOUND, "detail": "SELECT id\nFROM things WHERE id = 9"}, {"shows a statement in SQL"}),
    "the driver": (
        {**NOT_FOUND, "detail": 'psycopg.errors: relation "things" does not exist'},
        {"shows words of the database or its driver"},
    ),
    "a file": ({**NOT_FOUND, "detail": "see app/services/things.py:31"}, {A_FILE}),
}


@pytest.mark.parametrize(("body", "problems"), CARELESS.values(), ids=CARELESS)
def test_a_refusal_that_is_not_readable_or_tells_too_much_is_named(
    sample: Sample, tmp_path: Path, body: Any, problems: set[str]
) -> None:
    with asked(sample, tmp_path, FLOW, None, {"GET things/9": [(404, body)]}) as (found, _):
        assert {str(row["problem"]) for row in found.rows[REFUSED]} == problems
        assert {row["step"] for row in found.rows[REFUSED]} == {"3 GET things/9"}
        assert found.status(ENDED) is Status.PASS


def test_a_refusal_with_another_status_than_the_declared_one_stops_nothing(sample: Sample, tmp_path: Path) -> None:
    with asked(sample, tmp_path, FLOW, None, {"GET things/9": [(500, NOT_FOUND)]}) as (found, _):
        assert found.status(REFUSED) is Status.PASS
        assert [row["found"] for row in found.rows[ENDED]] == ["500"]
    again = FLOW.replace(
        "GET things/9, status: 404}\n", "GET things/9, status: 404}\n      - {do: GET things/8, status: 404}\n"
    )
    with asked(sample, tmp_path, again, None, {"GET things/9": [(500, NOT_FOUND)]}) as (found, api):
        assert api.asked[-1] == "GET things/8"  # as nothing has changed
        assert found.status(QUICK) is Status.PASS and len(found.rows[ENDED]) == 1
    with asked(sample, tmp_path, again, None, {"GET things/9": [(200, THING)]}) as (found, api):
        assert api.asked[-1] == "GET things/9" and found.reasons(QUICK) == {"it did not reach its end"}
        assert found.reasons(REFUSED) == {"nothing that has to be refused was"}


def test_without_a_step_that_is_refused_nothing_is_proven_of_refusals(sample: Sample, tmp_path: Path) -> None:
    with asked(sample, tmp_path, FLOW.partition("      - {do: GET things/9")[0], None) as (found, _):
        assert found.reasons(REFUSED) == {"no flow has a step that is refused"}
        assert found.status(ENDED) is Status.PASS


def test_what_a_variable_holds_is_sent_and_shown_nowhere(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWS_TEST_SECRET", "s3cret-of-somebody")
    monkeypatch.setenv("FLOWS_TEST_KIND", "new")
    text = FLOW.replace("sizes: [1.5, 2]", "key: '{SECRET}', kind: '{KIND}'")
    text = text.replace("id: 7,", "id: '{SECRET}', state: '{KIND}',")
    text += "flow_variables: {SECRET: FLOWS_TEST_SECRET, KIND: FLOWS_TEST_KIND}\n"
    there = {**THING, "id": "s3cret-of-somebody-else"}
    with asked(sample, tmp_path, text, None, {"GET things/7": [(200, there)]}) as (found, api):
        assert (api.bodies[0]["key"], api.bodies[0]["kind"]) == ("s3cret-of-somebody", "new")
        rows = {row["what"]: row for row in found.rows[ENDED]}
        assert rows["id"]["expected"] == "{SECRET}" and rows["id"]["found"] == "***-else"
        assert rows["state"]["expected"] == "{KIND}" and rows["state"]["found"] == "partial"
        assert "s3cret" not in json.dumps(found.seen)
