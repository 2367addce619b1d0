"""One record's story on the storefront: what happened, what changed, what is wrong now, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit import timeline
from dsaudit.timeline.printing import plain
from dsaudit.verdict import Status
from tests.checks.auditing import opened, variables
from tests.checks.stories import FAULTS, NOTE, Damaged, a_location, causes, sides, told

pytestmark = pytest.mark.xdist_group("stories")  # one clone for all of them

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
    assert set(sides(story)) == {"source", "delivery", "log"}
    logged = story.events[story.events["side"] == "log"]
    assert set(logged["what"]) == {"warning: webhook_refused"} and len(logged) >= 2
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
    assert any(
        'update "public"."shopify_customer" set "deleted_at"' in one.get("command", "") for one in story.remedies
    )


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
    alone = damaged.file(
        "refined_alone", lambda file: [file.pop(one) for one in ("raw", "deliveries", "syncs", "logs")]
    )
    (story,) = damaged.tell(*place, file=alone)
    assert story.status is Status.FAIL and set(sides(story)) == {"source", "refined"}
    assert len(story.unknown) == 3
    sourceless = damaged.file("sourceless", lambda file: [file.pop(one) for one in ("source", "live")])
    (story,) = damaged.tell(*place, file=sourceless)
    assert story.status is Status.INCONCLUSIVE and "raw" in sides(story)
    assert "there is no source to hold it against" in story.headline


def test_a_source_that_refuses_leaves_it_untold(damaged: Damaged) -> None:
    with variables({"STOREFRONT_TOKEN": "t0ken-of-nobody"}):
        environment = {**damaged.clone.environment, "STOREFRONT_TOKEN": "t0ken-of-nobody"}
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


def test_a_cause_that_others_of_the_list_prove_is_told_where_the_whole_list_is_read(sample: Any) -> None:
    with sample.clone() as clone:
        expected = clone.plant("page_skipped").must[-1]
        with opened(clone.parameters, clone.environment) as audit:
            (story,) = timeline.stories(audit, "location", expected.keys[0], expected.scope["tenant"], True)
    assert causes(story) == {"PAGE_BOUNDARY"}


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
