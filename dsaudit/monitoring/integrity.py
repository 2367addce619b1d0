"""The metrics that watch the integrity of data: relations, tenants, invariants, constraints, slow statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsaudit.monitoring import integrity_queries as queries
from dsaudit.monitoring.metric import Metric
from dsaudit.parameters import Parameters
from dsaudit.parameters.policy import Policy
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.tenancy import tenancy_columns

BLUEPRINT = "data_integrity"


def _none(policy: Policy) -> float:
    return 0  # not one is right


def _unless(reason: str, what: Callable[[Parameters], Any]) -> Callable[[Parameters], str]:
    """Return what tells why a metric cannot be measured: `reason`, where `what` it speaks of is not declared."""
    return lambda parameters: "" if what(parameters) else reason


def _has_owners(parameters: Parameters) -> bool:
    return any(tenancy_columns(parameters, name) for name in parameters.resources)


def _may_be_unlinked(relation: Relation) -> float | None:
    return None if relation.linked_percent is None else (100 - relation.linked_percent) / 100


# fmt: off
INTEGRITY = (
    Metric("integration_orphans", "orphans",
           "Children whose parent does not exist; where the relation is not nullable, those without a reference too.",
           queries.orphans, ("relation",), "count", _none, (),
           "IntegrationOrphans", "critical",
           "{relation}: {value} children are without their parent; declared is {limit}",
           "at what deleted the parents, and whether the foreign key is there and validated",
           ("orphans", "relations_are_foreign_keys"), blueprint=BLUEPRINT,
           lacks=_unless("the file declares no relations", lambda parameters: parameters.relations)),
    Metric("integration_unlinked_ratio", "inconsistency",
           "Share of the children of a nullable relation that have no parent (1 less the link rate), "
           "of the tenant that has most of them.",
           queries.unlinked, ("relation",), "ratio", None, (),
           "IntegrationChildrenUnlinked", "warning",
           "{relation}: {value} of a tenant's children have no parent; declared is {limit}",
           "at what makes the children, and since when it leaves the reference empty",
           ("enough_children_are_linked",), blueprint=BLUEPRINT, by_relation=_may_be_unlinked,
           lacks=_unless("no relation is nullable", queries.nullable)),
    Metric("integration_miscounted_parents", "inconsistency",
           "Parents that have another number of children than they say.",
           queries.miscounted, ("relation",), "count", _none, (),
           "IntegrationCountsWrong", "warning",
           "{relation}: {value} parents have another number of children than they say; declared is {limit}",
           "at the last imports, whether they ended, and at what deletes children",
           ("parents_count_their_children",), blueprint=BLUEPRINT,
           lacks=_unless("no relation declares counted_by", queries.counting)),
    Metric("integration_null_tenants", "leaks",
           "Rows whose column that tells whose they are is empty.",
           queries.null_tenants, ("resource", "column"), "count", _none, (),
           "IntegrationTenantMissing", "critical",
           "{resource}: {value} rows have no {column}, so nobody knows whose they are; declared is {limit}",
           "at what wrote them, and whether the column is NOT NULL",
           ("tenant_columns_are_filled",), blueprint=BLUEPRINT,
           lacks=_unless("no column tells whose a row is", _has_owners)),
    Metric("integration_tenancy_crossings", "leaks",
           "Children whose parent belongs to another tenant, or to another part of the same one.",
           queries.crossings, ("relation",), "count", _none, (),
           "IntegrationTenantLeak", "critical",
           "{relation}: {value} children hang on a parent of another tenant; declared is {limit}",
           "at what wrote them, and close that way before the rows are moved",
           ("references_stay_within_the_tenant", "children_share_the_tenancy", "tables_have_row_security"),
           blueprint=BLUEPRINT, lacks=_unless("no two related resources tell whose their rows are", queries.owned)),
    Metric("integration_invariant_violations", "violations",
           "Rows that break a declared invariant.",
           queries.broken_invariants, ("resource", "holds"), "count", _none, (),
           "IntegrationInvariantBroken", "critical",
           "{resource}: {value} rows break what each has to hold, {holds}; declared is {limit}",
           "at what wrote them, and whether a validated constraint keeps others out",
           ("invariants_hold", "invariants_are_constraints"), blueprint=BLUEPRINT,
           lacks=_unless("the file declares no invariants", lambda parameters: parameters.invariants)),
    Metric("integration_unenforced_constraints", "violations",
           "Constraints that were never validated and indexes that are not valid, on the table of a resource.",
           queries.unenforced, ("resource",), "count", _none, (),
           "IntegrationConstraintNotEnforced", "warning",
           "{resource}: {value} of its table's constraints and indexes are not enforced; declared is {limit}",
           "at the last migration, whether it broke off; mend the rows, then validate the constraint",
           ("constraints_are_enforced",), blueprint=BLUEPRINT,
           lacks=_unless("the file declares no resources", lambda parameters: parameters.resources)),
    Metric("integration_slowest_statement_seconds", "slowness",
           f"Mean time of the slowest statement of the application's that ran at least {queries.CALLS} times "
           "(pg_stat_statements).",
           queries.slowest_statement, (), "seconds", lambda policy: policy.query_milliseconds / 1000, (),
           "IntegrationStatementsSlow", "warning",
           "a statement takes {value} in the mean; declared is {limit}",
           "in pg_stat_statements by mean_exec_time, and at its plan; once it is mended, reset its figures",
           ("references_are_indexed",), blueprint=BLUEPRINT),
    Metric("integration_rows", "other",
           "Rows of the table of a resource.",
           queries.rows, ("resource",), "count", None, (), "", "warning", "", "", (), blueprint=BLUEPRINT,
           lacks=_unless("the file declares no resources", lambda parameters: parameters.resources)),
)
# fmt: on
