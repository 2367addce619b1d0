"""Faults of what a sync writes: more than once, or not all that there is."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError

from .switching import RESOURCE, begun_later, switched_on, without_unique_ids

if TYPE_CHECKING:
    from ..sample import Sample

TRIES = 5
DUPLICATES = "select referral_id from partner_center_referrals group by referral_id having count(*) > 1"
# What fails too where one referral has several rows.
DOUBLED = ["one_refined_row_per_source_id", "constraints_are_enforced", "field_differences"]


def sync_inserts_again(sample: "Sample", random: Random) -> Planted:
    """Every sync inserts all that it reads, and no constraint keeps a referral from standing there twice."""
    without_unique_ids(sample)
    switched_on(sample, "sync_inserts_again")
    sample.scheduled(after=begun_later(sample))
    must = [Expected("second_sync_writes_nothing", scope=RESOURCE)]
    may = [*DOUBLED, "concurrent_syncs_write_once", "second_sync_counts_nothing_new", "killed_sync_is_made_up_for"]
    return Planted("sync_inserts_again", mode=21, how="caused", must=must, may=may)


def concurrent_syncs_insert_twice(sample: "Sample", random: Random) -> Planted:
    """Syncs take no lock and look before they insert, and no constraint stops two that see the same gap.

    It shows where something is new: while this is on, a referral turns up whenever two read the list at once.
    """
    without_unique_ids(sample)
    switched_on(sample, "concurrent_syncs_insert_twice")
    sample.partner("faults", {"busy": True})
    begun_later(sample)
    for _ in range(TRIES):
        for task in [sample.sync(), sample.sync()]:
            sample.ended(task)
        if sample.rows(DUPLICATES):
            break
    else:
        raise SampleError("two syncs at once wrote everything once")
    must = [Expected("concurrent_syncs_write_once", scope=RESOURCE)]
    # A sync of the schedule may meet the one that is to write nothing.
    met = ["second_sync_writes_nothing", "second_sync_counts_nothing_new"]
    may = [*DOUBLED, *met, "killed_sync_is_made_up_for", "runs_do_not_overlap"]
    return Planted("concurrent_syncs_insert_twice", mode=0, how="caused", must=must, may=may)


def second_page_dropped(sample: "Sample", random: Random) -> Planted:
    """A sync reads the first page and takes it for all; what is new at the end of the list never comes."""
    switched_on(sample, "second_page_dropped")
    begun_later(sample)
    ids = [sample.add(status="Active") for _ in range(random.randint(2, 4))]
    sample.scheduled()
    must = [Expected("source_missing_in_refined", scope=RESOURCE, keys=ids)]
    # It ends sooner than it can be killed.
    may = ["syncs_fetched_records", "bad_record_stops_nothing", "killed_sync_is_made_up_for"]
    return Planted("second_page_dropped", mode=23, how="caused", must=must, may=may)
