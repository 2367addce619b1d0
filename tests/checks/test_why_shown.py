"""One record's story as it is displayed: masked, drawn, by the command and in the notebook; and of other systems."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from dsaudit import audit as audits
from dsaudit import plots, timeline
from dsaudit.parameters import project_root
from dsaudit.timeline.events import SIDES
from dsaudit.timeline.printing import plain
from dsaudit.verdict import Status
from tests.checks.auditing import opened, variables
from tests.checks.stories import NOTE, Damaged, a_location, sides
from tests.command_lines import DSAUDIT
from tests.ledger import Ledger

pytestmark = pytest.mark.xdist_group("stories")  # one clone for all of them

# What is displayed


def test_nothing_of_the_data_is_displayed_until_it_is_revealed(damaged: Damaged) -> None:
    place = damaged.place("orders_update_dropped")
    with opened(damaged.clone.parameters, damaged.clone.environment) as audit:
        masked = shown(audit, place)
        audit.reveal()
        revealed = shown(audit, place)
    assert NOTE not in masked and NOTE in revealed
    file = damaged.file("showing", lambda file: file.__setitem__("show", ["note"]))
    (story,) = damaged.tell(*place, file=file)
    assert NOTE in plain(story) and NOTE not in repr(story)


def shown(audit: audits.Audit, place: tuple[str, str, str]) -> str:
    story = audit.why(*place)
    bundles = [one._repr_mimebundle_() for one in (story, story.timeline(), story.differences())]
    return str([list(bundle.values()) for bundle in bundles])


def test_the_story_is_drawn_with_every_event(damaged: Damaged) -> None:
    story = damaged.story("older_delivery_wins")
    axes = plots.timeline(story.events)
    numbers = {int(part) for text in axes.texts for part in text.get_text().split("–") if part.strip().isdecimal()}
    assert {1, len(story.events)} <= numbers
    assert "nothing" in {text.get_text().strip() for text in axes.texts} or set(sides(story)) == set(SIDES)


# The command


def test_the_commands_exit_status_says_what_was_found(damaged: Damaged) -> None:
    file = str(damaged.clone.parameters)
    resource, source_id, _ = damaged.place("orders_update_dropped")
    done = damaged.command(file, resource, source_id)
    assert done.returncode == 1, done.stderr
    assert "UNDELIVERED" in done.stdout and NOTE not in done.stdout and "\x1b" not in done.stdout
    assert damaged.command(file, resource, "1").returncode == 2
    misspelt = damaged.command(file, "ordre", source_id)
    assert misspelt.returncode == 3 and misspelt.stderr.strip() == "there is no resource 'ordre'; did you mean order?"
    assert damaged.command(file, "location", a_location(damaged)).returncode == 0
    revealing = damaged.command(file, resource, source_id, "--reveal")
    assert revealing.returncode == 3 and "on a terminal" in revealing.stderr


def test_on_a_terminal_the_values_can_be_revealed(damaged: Damaged) -> None:
    resource, source_id, tenant = damaged.place("orders_update_dropped")
    arguments = ["why", str(damaged.clone.parameters), resource, source_id, "--tenant", tenant, "--reveal"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*DSAUDIT, *arguments],
        cwd=project_root(), env={**os.environ, **damaged.clone.environment, "CI": "1"},
        stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    text = everything(leader)
    assert process.wait() == 1
    assert NOTE in text


def everything(terminal: int) -> str:
    """Return what is written to a terminal until its other end is closed."""
    parts = []
    try:
        while part := os.read(terminal, 65536):
            parts.append(part)
    except OSError:  # Linux says so that nobody has it open any more
        pass
    os.close(terminal)
    return b"".join(parts).decode()


# The notebook


@pytest.mark.parametrize("named", [True, False])
def test_the_notebook_tells_it_under_plain_papermill(damaged: Damaged, named: bool, tmp_path: Path) -> None:
    resource, source_id, tenant = damaged.place("orders_update_dropped")
    given = {"system": str(damaged.clone.parameters), "resource": resource}
    given |= {"source_id": source_id, "tenant": tenant} if named else {}
    notebook = project_root() / "notebooks" / "investigate.ipynb"
    with variables(damaged.clone.environment):
        papermill.execute_notebook(str(notebook), str(tmp_path / "out.ipynb"), parameters=given, progress_bar=False)
    cells = {cell.id: cell for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells}
    words = {name: str(cell.get("outputs")) for name, cell in cells.items()}
    assert f"order {source_id} of {tenant}: something is wrong" in words["story"]  # the only order that differs
    assert "image/png" in words["plot"] and "changed last" in words["timeline"]
    assert "UNDELIVERED" in words["wrong"] and NOTE not in str(words)


# Systems of another shape


def test_a_ledger_without_raw_rows_tells_what_it_has(new_ledger: Callable[..., Ledger]) -> None:
    one = new_ledger()
    with opened(one.parameters, one.environment) as audit:
        (healthy,) = timeline.stories(audit, "invoice", '["a", "b:c"]', "north")
        lines = timeline.stories(audit, "line", '["a:b", "c", "2"]')
    assert healthy.status is Status.PASS and {"source", "sync", "refined"} <= set(sides(healthy))
    assert "what was received: the parameter file gives no raw table" in healthy.unknown
    assert {story.tenant: story.status for story in lines} == dict.fromkeys(("north", "south"), Status.PASS)
    one.execute("update ledger.invoice set total = 7 where org = 'N' and store = 'a' and number = 'b:c'")
    with opened(one.parameters, one.environment) as audit:
        (wrong,) = timeline.stories(audit, "invoice", '["a", "b:c"]', "north")
        (unknown,) = timeline.stories(audit, "member", "nobody", "north")
    assert wrong.status is Status.FAIL and list(wrong.wrong["field"]) == ["total"]
    assert unknown.status is Status.INCONCLUSIVE


@pytest.fixture(scope="module")
def large(sample: Any) -> Iterator[Any]:
    """A copy of the sample with so many raw rows that a plan for few would not do."""
    with sample.clone() as clone, clone.owner() as connection:
        names = connection.execute(
            """select string_agg(quote_ident(column_name), ', ') from information_schema.columns
               where table_name = 'shopify_raw_ingest'
                 and column_name not in ('id', 'shopify_object_id', 'delivery_id')"""
        ).fetchone()[0]
        connection.execute(
            f"""insert into shopify_raw_ingest (shopify_object_id, {names})
                select shopify_object_id || 'x' || n, {names} from shopify_raw_ingest, generate_series(1, 300) as n
                where object_type = 'order'"""
        )
        connection.execute("analyze shopify_raw_ingest")
        connection.commit()
        yield clone


@pytest.mark.parametrize(
    ("resource", "slot", "source_id", "index"),
    [
        ("order", "refined", "4200000000000", "shopify_order_id"),
        ("order_discount", "refined", "4200000000000:1", "shopify_order_id"),
        ("order", "raw", "4200000000000", "shopify_object_id"),
    ],
)
def test_an_index_serves_the_look_up_of_one_record(
    large: Any, resource: str, slot: str, source_id: str, index: str
) -> None:
    sql = f"select * from {{{slot}}} as f where f.source_id = %(wanted)s"
    with opened(large.parameters, large.environment) as audit:
        filled = audit.relations.fill(sql, {"resource": resource}, [resource], [source_id])
        (plan,) = audit.database.explain(filled.sql, [{**filled.values, "wanted": source_id}], scans=False)
    assert any(index in node.get("Index Cond", "") for node in nodes(plan["Plan"])), plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(inner for part in plan.get("Plans", []) for inner in nodes(part))]
