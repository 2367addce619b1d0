"""Mistakes in `flows`, `flow_variables` and `states`: each told in one line, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dsaudit.parameters import ParameterError, load

HEAD = """integration: x
database: {url_env: U}
resources: {listing: {table: listings, key: id}, cpu: {table: cpus, key: id}, user: {table: users, key: id}}
relations: [{child: listing.buyer, parent: user.id}, {child: listing.seller, parent: user.id}]
apis: {url_env: A, paging: {style: page}, endpoints: [{resource: listing, list: listings}]}
"""
NO_API = HEAD.replace(HEAD.splitlines()[4] + "\n", "")
FLOW = "flows:\n  - name: one\n    steps: [{do: GET listings}]\n"

STATE = "states:\n  - resource: listing\n    column: quality\n    moves: {partial: [full], full: []}\n"
BEGINNINGS = {"nothing": "", "flow": FLOW, "state": STATE}
TABLE = yaml.safe_load((Path(__file__).parent / "mistakes.yml").read_text(encoding="utf-8"))
MISTAKES = [(BEGINNINGS[group] + text, said) for group, rows in TABLE.items() for text, said in rows.items()]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    assert refused(tmp_path, HEAD + text).startswith(said)


def refused(folder: Path, text: str) -> str:
    path = folder / "x.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        load(path)
    (line,) = str(caught.value).splitlines()
    return line.partition("x.yml:")[2]


def test_flows_need_the_section_that_says_where_the_api_is(tmp_path: Path) -> None:
    assert refused(tmp_path, NO_API + FLOW) == "6:5: flows[0]: needs the section `apis`, which says where the API is"


def test_what_stands_in_quotes_or_is_a_schema_of_the_database_is_no_parent(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    formula = "pg_catalog.round(a) || 'user.name' || seller.name || x.cpu"
    path.write_text(HEAD + STATE + f'    derived: {{a: "{formula}"}}\n', encoding="utf-8")
    assert load(path).states[0].derived == {"a": formula}
