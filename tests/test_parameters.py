"""Every mistake in a parameter file is named by file, line and column, and none turns into fewer checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsaudit.parameters import ParameterError, load

SMALL = """\
integration: small
database: {url_env: SMALL_URL}
"""
WAIVER = SMALL + "waivers: [{check: orphans, reason: r, owner: o, expires: "
WITH_RESOURCE = SMALL + "resources:\n  order:\n    table: orders\n    key: id\n"
READ = WITH_RESOURCE.replace("resources:", "source: {kind: files, folder: .}\nresources:") + "    read: orders.csv\n"
LOG = SMALL + "source:\n  kind: rest\n  base_url: http://x\n  deliveries: "


def loaded(tmp_path: Path, text: str, **overrides: str) -> object:
    path = tmp_path / "small.yml"
    path.write_text(text, encoding="utf-8")
    return load(path, {name.replace("__", "."): value for name, value in overrides.items()})


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ParameterError) as caught:
        loaded(tmp_path, text)
    return str(caught.value)


def test_only_integration_and_database_are_mandatory(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALL).tenant_names == ["all"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("integration: x\n", "small.yml:1:1", "database: missing"),
        (SMALL + "resorces: {}\n", "small.yml:3:1", "resorces: unknown key; did you mean resources?"),
        (SMALL + "environment: prod\n", "small.yml:3:1", "environment: 'prod' is not one of development"),
        (WITH_RESOURCE + "    keys: id\n", "small.yml:7:5", "resources.order.keys: unknown key; did you mean key?"),
        (WITH_RESOURCE + "    fields: {a: float}\n", "small.yml:7:14", "fields.a: 'float' is not one of text, integer"),
        (SMALL + "policy: {latency_seconds: soon}\n", "small.yml:3:10", "policy.latency_seconds: a number is"),
        (SMALL + "integration: y\n", "small.yml:3:1", "integration: given twice"),
        (SMALL + "show: &a [x]\n", "small.yml:3:7", "anchors and aliases are not used here"),
        (SMALL + "show: [x\n", "small.yml:4:1", "not YAML"),
        ("", "small.yml:1:1", "the file is empty"),
        ("- a\n", "small.yml:1:1", "keys with values are expected, such as integration and database"),
        (SMALL + "code: {folder: not/there}\n", "small.yml:3:8", "code.folder: there is no folder not/there"),
        (SMALL + "tenants: [{name: a, id: 1}, {name: a, id: 2}]\n", "small.yml:3:1", "the name a is given twice"),
            (SMALL + "tenants: [{name: a, id: 1}, {name: b, id: 1}]\n", "small.yml:3:1", "the id 1 is given twice"),
            (SMALL + "raw: {table: r, columns: {hash: h}}\n", "small.yml:3:17", "hash is no column that dsaudit reads"),
            (SMALL + "raw: {table: r, columns: {source_id: none}}\n", "small.yml:3:17", "source_id cannot be none"),
        (WAIVER + "'2026-02-30'}]\n", "small.yml:3:49", "no day of the calendar"),
        (WAIVER + "2026-02-30}]\n", "small.yml:3:58", "cannot be read"),
        (SMALL + "show: !!python/name:os.system x\n", "small.yml:3:7", "tags are not used here"),
        (SMALL + "show: " + "[" * 200 + "]" * 200, "small.yml:3:106", "nested too deep"),
        (SMALL + "show:\n  " + "- " * 3000 + "x\n", "small.yml:4:201", "nested too deep"),
        ("integration: Shop 1\ndatabase: {url_env: U}\n", "small.yml:1:1", "'Shop 1' is no name; small letters"),
        ("integration: x\ndatabase: U\n", "small.yml:2:1", "a section with keys of its own is expected here"),
        (SMALL + "? [show]\n: [x]\n", "small.yml:3:3", "a key is a word"),
        (WITH_RESOURCE + "relations: [{child: order, parent: order.id}]\n", "small.yml:7:14", "as resource.column"),
        (WITH_RESOURCE + "relations:\n  - {child: order.x, parent: ordre.id}\n", "small.yml:8:22",
         "relations[0].parent: there is no resource ordre; did you mean order?"),
        (WITH_RESOURCE + "    nested: {in: parent, at: x}\n", "small.yml:7:14", "in: there is no resource parent"),
        (READ + "    since: x\n", "small.yml:9:5", "resources.order.since: a file is read whole"),
        (LOG + "{path: x, pending: y, columns: {stage: z}}\n", "small.yml:6:37", "stage is nothing that dsaudit reads"),
        (LOG + "{path: x, pending: y, columns: {topic: none}}\n", "small.yml:6:37", "topic cannot be none"),
        (LOG + "{path: x, columns: {status: none}, taken: a, pending: b}\n", "small.yml:6:3", "columns.status, which"),
        (LOG + "{path: x, taken: [a, b], pending: b}\n", "small.yml:6:3", "b is given twice"),
        (LOG + "{path: x}\n", "small.yml:6:3", "needs pending or retried_hours"),
        (LOG + "{path: x, pending: y, since: from=now}\n", "small.yml:6:37", "has to hold {since} or {epoch}"),
        (LOG + "{path: x, pending: y, days: 0}\n", "small.yml:6:37", "days: has to be at least 1"),
        (LOG + "{path: x, pending: y}\n  paging: {style: graphql, records: data.orders}\n", "small.yml:6:3",
         "source.deliveries: is read from a rest API alone, and this source is paged by GraphQL"),
        (SMALL + "source:\n  kind: files\n  folder: .\n  deliveries: {path: x, pending: y}\n", "small.yml:6:3",
         "source.deliveries: is read from a rest API alone, and this source is of kind files"),
        (WITH_RESOURCE + "    id_from: no\n", "small.yml:7:5", "a text is expected, and YAML reads this as true"),
        (WITH_RESOURCE + "    id_from: [id, 7]\n", "small.yml:7:19", "YAML reads this as a number; put it in quotes"),
        (WITH_RESOURCE + "    raw: 2026-11-26\n", "small.yml:7:5", "YAML reads this as a date; put it in quotes"),
        (WITH_RESOURCE + "    scope:\n", "small.yml:7:5", "scope: a text is expected, and nothing stands here"),
    ],
)  # fmt: skip
def test_says_where_and_what(tmp_path: Path, text: str, place: str, words: str) -> None:
    message = refused(tmp_path, text)
    assert f"{place}: " in message
    assert words in message


def test_a_text_that_is_none_is_told_once(tmp_path: Path) -> None:
    message = refused(tmp_path, WITH_RESOURCE + "    deleted: yes\n")
    assert message.splitlines() == [message] and "a text is expected, and YAML reads this as true or false" in message


def test_names_every_mistake_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, SMALL + "one: 1\ntwo: 2\n")
    assert [line.split(":")[1] for line in message.splitlines()] == ["3", "4"]


def test_no_value_of_the_file_is_quoted_in_a_message(tmp_path: Path) -> None:
    assert "hunter2" not in refused(tmp_path, "integration: x\ndatabase: {url: 'postgresql://u:hunter2@h/d'}\n")


def test_an_unknown_file_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ParameterError, match=r"there is no such parameter file; did you mean parameters/sample\.yml"):
        load("parameters/sampel.yml")


def test_set_overrides_a_nested_key_and_is_checked_like_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALL, policy__latency_seconds="9").policy.latency_seconds == 9  # type: ignore[attr-defined]
    with pytest.raises(ParameterError, match="unknown key"):
        loaded(tmp_path, SMALL, policy__latency_second="9")


def test_defaults_reach_every_resource_and_yield_to_its_own_keys(tmp_path: Path) -> None:
    text = (
        SMALL + "defaults: {tenant: shop}\nresources:\n  a: {table: a, key: id}\n  b: {table: b, key: id, tenant: x}\n"
    )
    read = loaded(tmp_path, text).resources  # type: ignore[attr-defined]
    assert (read["a"].tenant, read["b"].tenant) == ("shop", "x")


def test_a_composite_nested_resource_is_understood(tmp_path: Path) -> None:
    text = WITH_RESOURCE + (
        "  line:\n    table: lines\n    key: [order_id, position]\n    joined: ':'\n    id_from: [../id, '#']\n"
        "    nested: {in: order, at: {first: a.b, second: c}}\n"
    )
    line = loaded(tmp_path, text).resources["line"]  # type: ignore[attr-defined]
    assert line.nested.at == {"first": "a.b", "second": "c"}
    assert line.counted_children is None
