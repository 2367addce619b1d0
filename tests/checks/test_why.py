"""One record's story on the storefront: what happened, what changed, what is wrong now, and what is not known."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
import yaml

from dsaudit import audit as audits
from dsaudit import plots, timeline
from dsaudit.parameters import project_root
from dsaudit.timeline.printing import plain
from dsaudit.verdict import Status
from tests.checks.auditing import opened, variables
from tests.ledger import Ledger

# Those that leave a switch on come last.
FAULTS = (
    "orders_update_dropped", "creation_refused", "refined_row_edited", "delete_never_told", "partial_key",
    "older_delivery_wins", "wrong_tenant", "new_object_not_refined",
)  # fmt: skip
NOTE = "Deliver to the neighbour"  # what orders_update_dropped writes at the source


class Damaged:
    """A clone in which faults are planted, and where each of them lies."""

    def __init__(self, clone: Any) -> None:
        self.clone = clone
        self.gone = self._made_and_deleted()
        self.planted = {fault: clone.plant(fault) for fault in FAULTS}
        clone.settle()
        text = clone.parameters.read_text(encoding="utf-8")
        clone.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")

    def _made_and_deleted(self) -> str:
        shop = "acme.myshopify.example"
        made = str(self.clone.record(shop, "locations", "create")["id"])
        self.clone.settle()
        self.clone.record(shop, "locations", "delete", int(made))
        self.clone.settle()
        return made

    def place(self, fault: str, place: int = -1) -> tuple[str, str, str]:
        """Return resource, id and tenant of one of a fault's rows."""
        expected = self.planted[fault].must[place]
        return expected.scope["resource"], expected.keys[0], expected.scope["tenant"]

    def story(self, fault: str, place: int = -1) -> timeline.Story:
        resource, source_id, tenant = self.place(fault, place)
        return self.tell(resource, source_id, tenant)[0]

    def tell(
        self, resource: str, source_id: str, tenant: str = "", file: Path | None = None, whole: bool = False
    ) -> list[timeline.Story]:
        with opened(file or self.clone.parameters, self.clone.environment) as audit:
            return timeline.stories(audit, resource, source_id, tenant, whole)

    def file(self, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
        """Return a parameter file like the clone's with something changed."""
        given = yaml.safe_load(self.clone.parameters.read_text(encoding="utf-8"))
        change(given)
        path: Path = self.clone.parameters.with_name(f"{name}.yml")
        path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
        return path

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from dsaudit.cli import main; main()", "why", *arguments],
            cwd=project_root(), env={**os.environ, **self.clone.environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def damaged(sample: Any) -> Iterator[Damaged]:
    with sample.clone() as clone:
        yield Damaged(clone)


def causes(story: timeline.Story) -> set[str]:
    return set(story.wrong["cause"])


def sides(story: timeline.Story) -> list[str]:
    return [str(one) for one in story.events["side"]]


def told(story: timeline.Story, side: str) -> str:
    lines = story.events[story.events["side"] == side]
    return "\n".join(f"{one['what']}; {one['detail']}" for one in lines.to_dict("records"))


def a_location(damaged: Damaged, tenant: str = "acme") -> str:
    """Return the id of one that no fault has touched."""
    query = """select min(l.shopify_location_id) from shopify_location as l
        join integration as i on i.id = l.integration_id where i.name = %s and l.deleted_at is null"""
    with damaged.clone.owner() as connection:
        return str(connection.execute(query, [tenant]).fetchone()[0])


# What each fault looks like


def test_an_update_that_was_not_delivered_ends_at_the_source(damaged: Damaged) -> None:
    story = damaged.story("orders_update_dropped")
    assert story.status is Status.FAIL and causes(story) == {"UNDELIVERED"}
    last = story.changes[story.changes["between"].str.endswith("the source now")]
    assert set(last["path"]) == {"note", "tags", "updated_at"}
    assert NOTE in set(last["after"])
    assert "changed last" in told(story, "source")
    written = story.events[story.events["side"] == "refined"]
    assert list(written["state"]) == ["bad"]
    assert any("command" in one and "fetch_and_ingest_orders" in one["command"] for one in story.remedies)


def test_a_record_that_was_refused_shows_its_deliveries_and_nothing_after_them(damaged: Damaged) -> None:
    story = damaged.story("creation_refused")
    assert causes(story) == {"REJECTED_SIGNATURE"}
    assert set(sides(story)) == {"source", "delivery"}
    refused = story.events[story.events["side"] == "delivery"]
    assert len(refused) >= 2 and set(refused["state"]) == {"bad"}
    assert "not accepted (rejected_signature)" in told(story, "delivery")
    assert {"no raw row of it was stored", "the refined table has no row of it"} == set(story.wrong["what"])


def test_a_refinement_that_failed_is_the_last_event_of_its_version(damaged: Damaged) -> None:
    story = damaged.story("new_object_not_refined")
    assert causes(story) == {"REFINE_ERROR"}
    failed = story.events[story.events["side"] == "refinement"]
    assert "failed" in failed["what"].iloc[0] and failed["state"].iloc[0] == "bad"
    assert "refined" not in sides(story)
    raw = story.events[story.events["side"] == "raw"]
    assert raw["version"].iloc[0] == failed["version"].iloc[0]


def test_a_stale_overwrite_shows_from_which_version_the_row_was_built(damaged: Damaged) -> None:
    story = damaged.story("older_delivery_wins")
    assert "STALE_OVERWRITE" in causes(story)
    versions = story.events[story.events["side"] == "raw"]
    assert "is newer and had come before" in told(story, "raw")
    built = story.events[story.events["side"] == "refined"]["version"].iloc[0]
    assert built == versions["version"].iloc[-1]  # it arrived last, and is not the newest
    assert "built from version " in told(story, "refined")


def test_a_missed_delete_says_that_the_source_has_it_no_more(damaged: Damaged) -> None:
    story = damaged.story("delete_never_told", 0)
    assert causes(story) == {"MISSED_DELETE"}
    read = story.events[story.events["side"] == "source"].iloc[-1]
    assert (read["what"], read["state"]) == ("read: it is not there", "bad")
    assert any("update shopify_customer set deleted_at" in one.get("command", "") for one in story.remedies)


def test_a_wrong_field_is_told_with_both_values_and_masked(damaged: Damaged) -> None:
    story = damaged.story("refined_row_edited")
    assert causes(story) == {"REFINE_WRONG"}
    (row,) = story.wrong.to_dict("records")
    assert (row["field"], row["in_refined"]) == ("note", "by hand")
    assert "by hand" not in plain(story) and "text of 7 characters" in plain(story)


def test_a_record_of_another_tenant_is_told_on_both_sides(damaged: Damaged) -> None:
    resource, source_id, tenant = damaged.place("wrong_tenant", 0)
    found = {story.tenant: story for story in damaged.tell(resource, source_id)}
    (other,) = set(found) - {tenant}
    assert causes(found[tenant]) == {"WRONG_TENANT"}
    assert causes(found[other]) == {"FOREIGN_TENANT"}
    # Asked for one tenant alone, the others are asked as well when something is wrong.
    assert causes(damaged.tell(resource, source_id, other)[0]) == {"FOREIGN_TENANT"}


def test_a_composite_id_is_told_by_the_record_that_it_stands_in(damaged: Damaged) -> None:
    lost = damaged.story("partial_key", 0)
    assert lost.source_id.endswith(":2") and causes(lost) == {"FALSE_DEDUP"}
    assert "of its order received by webhook" in told(lost, "raw") and "it stands in it" in told(lost, "raw")
    first = damaged.story("partial_key")
    assert first.source_id.endswith(":1") and causes(first) == {"FALSE_DEDUP"}


def test_a_nested_child_is_told_with_the_versions_of_its_parent(damaged: Damaged) -> None:
    with damaged.clone.owner() as connection:
        (line,) = connection.execute("select min(shopify_line_item_id) from shopify_line_item").fetchone()
    (story,) = damaged.tell("line_item", str(line))
    assert story.status is Status.PASS
    assert "of its order received by" in told(story, "raw")
    assert "(the order that it stands in)" in told(story, "source")


def test_a_healthy_record_is_whole_and_nothing_is_wrong(damaged: Damaged) -> None:
    (story,) = damaged.tell("location", a_location(damaged))
    assert story.status is Status.PASS and story.wrong.empty and story.remedies == []
    assert {"source", "sync", "raw", "refinement", "refined"} <= set(sides(story))
    assert "bad" not in set(story.events["state"])
    assert list(story.events["at"]) == sorted(story.events["at"])
    assert plain(story).splitlines()[-1] == "✓ Nothing is wrong with it now"


def test_a_record_that_is_gone_everywhere_is_healthy(damaged: Damaged) -> None:
    (story,) = damaged.tell("location", damaged.gone, "acme")
    assert story.status is Status.PASS
    assert "deletion received by webhook" in told(story, "raw")
    assert "row marked as deleted" in told(story, "refined")


# What there is to say where little is known


def test_an_id_that_nobody_has_is_said_to_be_unknown_with_what_could_be_meant(damaged: Damaged) -> None:
    (story,) = damaged.tell("order", "1001")
    assert story.status is Status.INCONCLUSIVE and story.events.empty
    assert "neither source nor raw table nor refined table has it" in story.headline
    assert any("which has it as name and order_number" in note for note in story.notes)


def test_a_record_of_the_other_tenant_is_no_record_of_this_one(damaged: Damaged) -> None:
    resource, source_id, tenant = damaged.place("orders_update_dropped")
    other = "borealis" if tenant == "acme" else "acme"
    (story,) = damaged.tell(resource, source_id, other)
    assert story.status is Status.INCONCLUSIVE
    assert any(note == f"perhaps meant: {tenant}'s order {source_id}" for note in story.notes)


@pytest.mark.parametrize(
    ("resource", "tenant", "words"),
    [
        ("ordre", "", "no resource 'ordre'; did you mean order?"),
        ("order", "acm", "no tenant 'acm'; did you mean acme?"),
    ],
)
def test_what_is_misspelt_is_named(damaged: Damaged, resource: str, tenant: str, words: str) -> None:
    with pytest.raises(timeline.StoryError) as caught:
        damaged.tell(resource, "1", tenant)
    assert words in str(caught.value)


def test_without_ways_in_it_shows_what_there_is_and_says_what_is_not_known(damaged: Damaged) -> None:
    place = damaged.place("orders_update_dropped")
    alone = damaged.file("refined_alone", lambda file: [file.pop(one) for one in ("raw", "deliveries", "syncs")])
    (story,) = damaged.tell(*place, file=alone)
    assert story.status is Status.FAIL and set(sides(story)) == {"source", "refined"}
    assert len(story.unknown) == 3
    sourceless = damaged.file("sourceless", lambda file: file.pop("source"))
    (story,) = damaged.tell(*place, file=sourceless)
    assert story.status is Status.INCONCLUSIVE and "raw" in sides(story)
    assert "there is no source to hold it against" in story.headline


def test_a_source_that_refuses_leaves_it_untold(damaged: Damaged) -> None:
    with variables({"STOREFRONT_TOKEN": "another"}):
        environment = {**damaged.clone.environment, "STOREFRONT_TOKEN": "another"}
        with opened(damaged.clone.parameters, environment) as audit:
            (story,) = timeline.stories(audit, *damaged.place("orders_update_dropped"))
    assert story.status is Status.INCONCLUSIVE
    assert "refused with 401" in story.headline and "raw" in sides(story)


# How the source is asked


def test_a_healthy_record_costs_one_request(damaged: Damaged, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = requests(monkeypatch)
    location = a_location(damaged, "acme")
    damaged.tell("location", location, "acme")
    assert [path.rpartition("/")[2] for path in asked] == [f"{location}.json"]


def test_the_whole_list_is_read_where_it_is_wanted_or_nothing_else_is_declared(
    damaged: Damaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource, source_id, tenant = damaged.place("orders_update_dropped")
    alone = damaged.tell(resource, source_id, tenant)[0]
    asked = requests(monkeypatch)
    whole = damaged.tell(resource, source_id, tenant, whole=True)[0]
    assert any(path.startswith("admin/api/2026-07/orders.json") for path in asked)
    assert causes(alone) == causes(whole)
    assert any("--whole" in note for note in alone.notes) and not any("--whole" in note for note in whole.notes)
    file = damaged.file("lists", lambda file: file["resources"]["order"].pop("one"))
    assert causes(damaged.tell(resource, source_id, tenant, file=file)[0]) == causes(alone)


def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the addresses that are asked for; the requests are made."""
    from dsaudit.source.rest import Client

    asked: list[str] = []
    ask = Client.ask

    def noted(self: Client, request: Any) -> Any:
        asked.append(request.url)
        return ask(self, request)

    monkeypatch.setattr(Client, "ask", noted)
    return asked


def test_the_causes_are_those_that_phase_5_gives(damaged: Damaged) -> None:
    with opened(damaged.clone.parameters, damaged.clone.environment) as audit:
        assert audit.source.index
        for fault in FAULTS:
            for expected in damaged.planted[fault].must:
                if expected.cause and expected.check in ("field_differences", "source_missing_in_refined"):
                    resource, tenant = expected.scope["resource"], expected.scope["tenant"]
                    story = audit.why(resource, expected.keys[0], tenant)
                    rows = story.wrong[story.wrong["check"] == expected.check]
                    assert set(rows["cause"]) == {expected.cause}, plain(story)


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
    assert "nothing" in {text.get_text().strip() for text in axes.texts} or len(set(sides(story))) == 6


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
        [sys.executable, "-c", "from dsaudit.cli import main; main()", *arguments],
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


@pytest.mark.parametrize(
    ("resource", "slot", "source_id", "index"),
    [
        ("order", "refined", "4200000000000", "shopify_order_id"),
        ("order_discount", "refined", "4200000000000:1", "shopify_order_id"),
        ("order", "raw", "4200000000000", "shopify_object_id"),
    ],
)
def test_an_index_serves_the_look_up_of_one_record(
    damaged: Damaged, resource: str, slot: str, source_id: str, index: str
) -> None:
    sql = f"select * from {{{slot}}} as f where f.source_id = %(wanted)s"
    with opened(damaged.clone.parameters, damaged.clone.environment) as audit:
        filled = audit.relations.fill(sql, {"resource": resource}, [resource], [source_id])
        (plan,) = audit.database.explain(filled.sql, [{**filled.values, "wanted": source_id}], scans=False)
    assert re.search(rf'"Index Cond": "[^"]*{index}', json.dumps(plan)), plan
