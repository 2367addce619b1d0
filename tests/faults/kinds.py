"""The kinds of faults that the matrix plants: a fault of a sample each, named with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module

from examples.planting import faults_of

# Each sample, and the blueprint by which it is audited.
BLUEPRINTS = {
    "storefront": "datasource",
    "referrals": "background_sync",
    "discovery": "data_integrity",
    "listings": "partial_import",
}


@dataclass(frozen=True)
class Kind:
    """One fault of one sample; a live one shows only in what an audit does when it may act."""

    example: str
    fault: str
    is_live: bool

    @property
    def name(self) -> str:
        return f"{self.example}/{self.fault}"

    @property
    def blueprint(self) -> str:
        return BLUEPRINTS[self.example]


def _kinds() -> Iterator[Kind]:
    for example in BLUEPRINTS:
        live = import_module(f"examples.{example}.faults").LIVE_FAULTS
        for fault in faults_of(example):
            yield Kind(example, fault, fault in live)


KINDS = {kind.name: kind for kind in _kinds()}
# Planted where nothing else is asked for: of each sample those that differ most in what they do.
CORE = [
    *(
        f"storefront/{fault}"
        for fault in (
            *("accent_composed", "answered_before_stored", "changes_polled", "child_before_its_parent"),
            *("children_truncated", "clock_ahead", "creation_undelivered", "cursor_passed_by", "delete_missed"),
            *("deletion_ruled_out", "deliveries_stopped", "delivery_delayed", "delivery_stored_twice"),
            *("errors_swallowed", "first_page_only", "forgeries_accepted", "ghost_row", "handler_removed"),
            *("hash_recipe_changed", "id_used_twice", "large_number_dropped", "live_deletion_ignored"),
            *("merged_at_source", "money_as_float", "number_in_16_bits", "older_delivery_wins", "only_sixty_days"),
            *("page_skipped", "paging_taken_out", "partial_key", "rate_limit_ignored", "refinement_fails"),
            *("refinement_skipped", "reversion_swallowed", "same_second_update_lost", "scope_withdrawn"),
            *("signature_of_parsed_body", "started_sync_refused", "subscription_removed", "sync_breaks_off"),
            *("table_undocumented", "text_with_nul", "timezone_dropped", "token_revoked", "topic_not_subscribed"),
            *("unique_constraint_dropped", "wrong_tenant", "zero_decimals_divided"),
        )
    ),
    *(
        f"referrals/{fault}"
        for fault in (
            *("bad_record_ends_sync", "beat_interval_wrong", "concurrent_syncs_insert_twice"),
            *("domain_not_normalised", "killed_run_left_running", "second_page_dropped"),
            *("statistics_missing_from_log", "sync_inserts_again", "task_ignores_flag"),
        )
    ),
    *(
        f"discovery/{fault}"
        for fault in (
            *("application_bypasses_policies", "asset_lost_its_discovery_flow", "assets_lost_on_the_way"),
            *("constraint_not_valid", "endpoints_disagree", "existence_is_told", "foreign_key_dropped"),
            *("last_record_is_lost", "list_leaves_out_unlinked", "policy_uses_wrong_column", "query_scans"),
            *("reference_crosses_tenants", "tenant_is_null", "update_deadlocks"),
        )
    ),
    *(
        f"listings/{fault}"
        for fault in (
            *("completed_twice", "counter_does_not_move", "dashboard_names_unknown_metric"),
            *("database_changed_by_hand", "downgrade_deletes_more", "gauge_never_set"),
            *("job_disagrees_with_rows", "migration_rewrites_the_table", "own_test_fails", "provenance_not_set"),
            *("state_moves_back", "stack_trace_in_error"),
        )
    ),
]


def chosen(patterns: Sequence[str]) -> list[Kind]:
    """Return the kinds whose names match one of the patterns, ``storefront/*`` say; without any those of the core.

    Raises
    ------
    ValueError
        A pattern matches none.
    """
    if not patterns:
        return [KINDS[name] for name in CORE]
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in KINDS):
            raise ValueError(f"no fault is called {pattern!r}; python -m tests.faults --list names them all")
    return [kind for name, kind in KINDS.items() if any(fnmatch(name, pattern) for pattern in patterns)]
