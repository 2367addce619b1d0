"""The plan: the checks that a blueprint's notebooks call, times the scopes that the parameter file declares.

One function plans for both halves: the runner holds what was executed against it, and the kernel knows from it
which scopes must come back from a query.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsaudit.checks.finding import Check, CheckError, all_checks, own_checks
from dsaudit.parameters import Parameters, Part
from dsaudit.parameters.apis import served
from dsaudit.parameters.probe import Sending
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.states import has_states
from dsaudit.parameters.tenancy import tenancy_columns
from dsaudit.wording import did_you_mean

Scope = dict[str, str]

OF_A_RUN = ("fetched", "task_id", "trigger", "state", "added", "updated", "skipped", "failed", "flag")

# What a relation or a way in is in the parameter file, and the reason that stands in the report without it.
WAYS_IN = {
    "raw": "raw (the raw-ingest table)",
    "deliveries": "deliveries (the table of received webhooks)",
    "syncs": "syncs (the table of sync runs)",
    "record": "record (the integration record)",
    "source": "source (the provider's API)",
    "source.deliveries": "source.deliveries (the provider's log of its deliveries)",
    "code": "code (the integration's code)",
    "provider": "provider (whose API it is)",
    "provider_reviewed": "provider_reviewed (the day of the last look at what it has)",
    "webhooks": "webhooks (what should be registered)",
    "webhooks.probe": "webhooks.probe (leave to send deliveries that have to be refused)",
    "webhooks.probe.valid": "webhooks.probe.valid (leave to send a genuine delivery twice)",
    "api": "api (the integration's own API)",
    "api.health": "api.health (where the API tells its health)",
    "api.sync": "api.sync (the request that queues a sync)",
    "apis": "apis (what the system's API serves of the tables)",
    "apis.headers": "apis.headers (by which the API knows the tenant)",
    "apis.error": "apis.error (the form of the API's refusals)",
    "conserved": "conserved (the hops at which what came with a parent is counted)",
    "push": "push (the import that may be pushed through the API)",
    "flows": "flows (what is done with the API step by step)",
    "answers": "answers (the schemas of the API's answers)",
    "states": "states (the states that rows go through)",
    "worker": "worker (the workers' broker, and the task of the sync)",
    "schedule": "schedule (when the sync begins by itself)",
    "flag": "flag (the feature flag of the sync)",
    "flag.shown": "flag.shown (where the API tells the flag's state)",
    "flag.off": "flag.off and flag.on (how the flag is turned)",
    "outage": "outage (how the source is made to refuse)",
    "bad_record": "bad_record (how the source is made to serve what cannot be taken)",
    "ready": "ready (the view of what is ready to be worked with)",
    **{f"syncs.columns.{name}": f"syncs.columns.{name} (what each run says)" for name in OF_A_RUN},
    "documents": "documents (the integration's documents)",
    "logs": "logs (the application's own log files)",
    "logs.columns.delivery_id": "logs.columns.delivery_id (which delivery a line is about)",
    "logs.columns.source_id": "logs.columns.source_id (which record a line is about)",
    "logs.runs": "logs.runs (which lines tell how a run of the sync ended)",
    "monitoring": "monitoring (the integration's alert rules)",
    "monitoring.dashboards": "monitoring.dashboards (Grafana's dashboards)",
    "monitoring.tests": "monitoring.tests (promtool's unit tests of the rules)",
    "monitoring.exposed": "monitoring.exposed (where the metrics are scraped)",
    "monitoring.module": "monitoring.module (the code that declares the metrics)",
    "monitoring.fires": "monitoring.fires (which flow has to make which alert fire)",
    "own_tests.junit": "own_tests.junit (the results of the project's own tests)",
    "own_tests.coverage": "own_tests.coverage (what the project's own tests cover)",
    "own_tests": "own_tests (the project's own tests)",
    "tenants": "tenants",
    "resources": "resources",
    "relations": "relations",
    "tenancy": "tenancy (the columns that tell whose a row is)",
    "tenancy.role": "tenancy.role (the role that the application connects as)",
    "invariants": "invariants (what each row has to hold)",
    "performance": "performance (what has to stay quick)",
    "performance.queries": "performance.queries (the queries that have to stay quick)",
    "performance.at_once": "performance.at_once (what the application runs at once)",
    "performance.statement_milliseconds": "performance.statement_milliseconds (what a statement may take on average)",
    "migrations": "migrations (the project's database migrations)",
    "migrations.models": "migrations.models (models that the migrations are held against)",
    "durations": "durations (from when to when a row is under way)",
    "table_prefix": "table_prefix",
}

# What a check asks for by `having` that is no name in the file, but follows from it.
HAVING = {
    "domains": "has a field that is read as a domain",
    "announced": "is told of by topics of its own (webhooks)",
    "unannounced": "is without topics of its own (no_webhooks, nested)",
    "identified": "has records that hold their whole id themselves (id_from)",
    "counted_children": "is nested at a single path (nested.at)",
    "invariants": "has something that each of its rows has to hold (invariants)",
    "served": "is served by an endpoint (apis.endpoints)",
    "states": "has rows that go through states (states)",
    **{
        f"states.{part}": f"has rows that go through states, with {part} (states)"
        for part in ("history", "missing", "required", "withheld", "provenance", "derived")
    },
    "owned": "tells whose its rows are (tenancy)",
    "required": "is a relation that is never empty (nullable)",
    "takes_children": "is a relation whose children go with their parent (neither nullable nor keeps_children)",
}


@dataclass(frozen=True)
class Planned:
    """One call of a check that has to run: where, in which scopes, or why not."""

    phase: str
    cell: str
    check: Check
    scopes: list[Scope]
    skipped: str | None = None
    required: bool = True


def notebooks(folder: Path) -> list[Path]:
    """Return a blueprint's notebooks in the order of their numbers."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def plan(folder: Path, parameters: Parameters) -> list[Planned]:
    """Return the plan of a blueprint: every ``audit.check(…)`` in its notebooks, in order.

    Raises
    ------
    CheckError
        A cell calls a check that does not exist, or one that another cell calls already.
    """
    checks = all_checks()
    own = own_checks(parameters.path.with_suffix("") / "checks")
    planned: list[Planned] = []
    seen: dict[str, str] = {}
    for path in notebooks(folder):
        for cell, name in check_calls(path):
            for check in _called(name, checks, own, path, cell):
                if check.name in seen:
                    raise CheckError(f"{path}: cell {cell} calls {check.name}, which {seen[check.name]} calls already")
                seen[check.name] = f"{path.stem}: cell {cell}"
                planned.append(plan_check(check, parameters, path.stem, cell))
    _refuse_unknown_names({**checks, **own}, parameters)
    forgotten = [name for name in own if name not in seen]
    if forgotten:
        raise CheckError(f"{own[forgotten[0]].path}: no notebook of {folder.name} calls audit.own_checks()")
    return planned


def _refuse_unknown_names(checks: Mapping[str, Check], parameters: Parameters) -> None:
    """A misspelt name would demand nothing, or waive nothing, without a word."""
    named = [("require", name) for name in parameters.require]
    named += [("waivers", waiver.check) for waiver in parameters.waivers]
    for key, name in named:
        if name not in checks:
            hint = did_you_mean(name, checks, "`dsaudit list` names them all")
            raise CheckError(f"{parameters.path.name}: {key}: there is no check {name!r}; {hint}")


def _called(name: str | None, checks: dict[str, Check], own: dict[str, Check], path: Path, cell: str) -> list[Check]:
    if name is None:
        return list(own.values())
    if name not in checks:
        raise CheckError(f"{path}: cell {cell} calls the check {name!r}, which does not exist")
    return [checks[name]]


def check_calls(path: Path) -> list[tuple[str, str | None]]:
    """Return cell id and check name of each ``audit.check("…")`` of a notebook; None stands for ``own_checks()``."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    calls: list[tuple[str, str | None]] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                calls += _call(node, node.func, cell.get("id", ""), path)
    return calls


def _call(node: ast.Call, function: ast.Attribute, cell: str, path: Path) -> list[tuple[str, str | None]]:
    if not isinstance(function.value, ast.Name) or function.value.id != "audit":
        return []
    if function.attr == "own_checks":
        return [(cell, None)]
    if function.attr != "check":
        return []
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
        raise CheckError(f"{path}: cell {cell}: audit.check takes one name, written out, so that the plan can be read")
    return [(cell, node.args[0].value)]


def plan_check(check: Check, parameters: Parameters, phase: str = "", cell: str = "") -> Planned:
    """Plan one check: its scopes, or the reason why the file gives it nothing to run on."""
    lacking = lacking_ways_in(check, parameters)
    if lacking and not (lacking == ["relations"] and parameters.part.resources):
        ways = " or ".join(WAYS_IN.get(name, name) for name in lacking[0].split(" or "))
        return Planned(phase, cell, check, [], f"the parameter file has no {ways}", check.name in parameters.require)
    # What is changed at the source is one record of one tenant, whatever else is left out.
    is_outside = outside(check, parameters.part) if "live" not in _ways_in(check) else not parameters.live_in_part
    if lacking or is_outside:
        return Planned(phase, cell, check, [], NOT_IN_PART, check.name in parameters.require)
    if "acts" in check.headers and not parameters.acting:
        why = NEVER if parameters.environment == "production" else NOT_ASKED
        return Planned(phase, cell, check, [], why, check.name in parameters.require)
    if parameters.sending == "nothing" and {"webhooks.probe", "webhooks.probe.valid"} & set(check.listed("needs")):
        return Planned(phase, cell, check, [], NOT_SENT, check.name in parameters.require)
    scopes = check_scopes(check, parameters)
    having = check.headers.get("having")
    if not scopes or (having and not planned_resources(check, parameters)):
        what = HAVING.get(having, f"declares {having}") if having else "can be checked by it"
        reason = f"nothing in the parameter file {what}"
        return Planned(phase, cell, check, [], reason, check.name in parameters.require)
    return Planned(phase, cell, check, scopes)


def sent_for(planned: Iterable[Planned]) -> Sending:
    """Return what the checks that are planned need to be sent to our webhook address; the genuine one is a control."""
    needed = {need for one in planned if not one.skipped for need in one.check.listed("needs")}
    return "all" if "webhooks.probe" in needed else "genuine" if "webhooks.probe.valid" in needed else "nothing"


NOT_SENT = "sending deliveries was not asked for: probe=True in a notebook, or `dsaudit run`"
NOT_ASKED = "acting on the system was not asked for: --live, live=True in a notebook, or allow_actions in the file"
NEVER = "nothing acts on a system in production"
NOT_IN_PART = "not part of this narrowed run"


def outside(check: Check, part: Part) -> bool:
    """Return whether a check cannot speak of a part alone.

    It can where it gives each resource, each tenant, or each record (``source_id`` is a key), whatever the part is
    narrowed by, a result of its own, and does not say by ``whole`` that it needs all records.
    """
    by_resource = {"resource", "relation"} & set(check.scope)
    by_record = {"tenant", "resource"} <= set(check.scope) and "source_id" in check.listed("key")
    names_tables = check.is_query and not check.slots  # itself, so that nobody can narrow it
    return bool(
        (part.resources and (names_tables or not by_resource))
        or (part.tenants and (names_tables or "tenant" not in check.scope))
        or (part.by_record and (names_tables or not by_record or "whole" in check.headers))
    )


def lacking_ways_in(check: Check, parameters: Parameters) -> list[str]:
    """Return the ways in that `check` needs and the file does not give; ``a or b`` is lacking where both are."""
    return [
        needed
        for needed in _ways_in(check)
        if not any(is_declared(parameters, name.strip()) for name in needed.split(" or "))
    ]


def is_declared(parameters: Parameters, name: str) -> bool:
    """Return whether the file gives a way in, written like ``raw`` or ``raw.hash``."""
    value: Any = parameters
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return bool(value)


def _ways_in(check: Check) -> list[str]:
    declared = {"resource": "resources", "relation": "relations"}
    needs = [slot for slot in sorted(check.slots) if slot in WAYS_IN]
    needs += check.listed("needs")
    needs += [declared[name] for name in check.scope if name in declared]
    return list(dict.fromkeys(needs))


def check_scopes(check: Check, parameters: Parameters) -> list[Scope]:
    """Return the scopes in which `check` has to give a result: the product of what its scope columns can be."""
    scopes: list[Scope] = [{}]
    for column in check.scope:
        values = _values(column, check, parameters)
        scopes = [{**scope, column: value} for scope in scopes for value in values]
    return scopes


def planned_resources(check: Check, parameters: Parameters) -> list[str]:
    """Return the resources that `check` speaks of: all, or those that declare what its ``having`` asks for."""
    by_relation = "relation" in check.scope
    return list(parameters.resources) if by_relation else _values("resource", check, parameters)


def _values(column: str, check: Check, parameters: Parameters) -> list[str]:
    if column == "tenant":
        return parameters.tenant_names
    having = check.headers.get("having")
    if column == "resource":
        named = [name for name in parameters.resources if not having or _has(parameters, name, having)]
        of_raw_rows = having != "counted_children" and any(one.split(".")[0] == "raw" for one in _ways_in(check))
        return [name for name in named if not of_raw_rows or parameters.has_raw_rows(name)]
    if column == "relation":
        return [one.name for one in parameters.relations if not having or _relates(parameters, one, having)]
    if column == "query":
        return [query.name for query in parameters.performance.queries] if parameters.performance else []
    if column == "flow":
        return [flow.name for flow in parameters.flows]
    known = "tenant, resource, relation, query, flow"
    raise CheckError(f"{check.path}:{check.line}: the scope {column!r} is none of {known}")


def _has(parameters: Parameters, resource: str, having: str) -> bool:
    """Return whether a resource declares something, or the file does of it."""
    if having == "invariants":
        return any(one.resource == resource for one in parameters.invariants)
    if having == "served":
        return served(parameters, resource)
    if having.partition(".")[0] == "states":
        return has_states(parameters, resource, having.partition(".")[2] or "column")
    if having == "owned":
        return bool(tenancy_columns(parameters, resource))
    return bool(getattr(parameters.resources[resource], having))


def _relates(parameters: Parameters, relation: Relation, having: str) -> bool:
    """Return whether a relation declares something, or the file does of both its ends."""
    if having == "owned":
        return all(_has(parameters, end.partition(".")[0], having) for end in (relation.child, relation.parent))
    return bool(getattr(relation, having))
