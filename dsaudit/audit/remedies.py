"""What would mend a finding, as commands with this integration's own values. They are offered, never executed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from dsaudit import codebase
from dsaudit.audit import registering
from dsaudit.audit.registering import MOST, Remedy
from dsaudit.codebase import Function
from dsaudit.verdict import Verdict
from dsaudit.verdict.causes import CAUSES, EXPECTED, ordered

if TYPE_CHECKING:
    import pandas as pd

    from dsaudit.audit import Audit
    from dsaudit.parameters import Parameters

RESYNC = {
    *("initial_sync_completed", "last_sync_completed", "last_sync_is_recent", "syncs_fetched_records"),
    *("wanted_topics_are_registered", "webhooks_arrive", "ingest_is_current"),
    *("deliveries_were_taken", "taken_deliveries_are_logged"),
}
REGISTER = {
    *("wanted_topics_are_registered", "recorded_topics_are_registered", "webhook_addresses_right"),
    *("registration_succeeded", "deliveries_succeed", "webhooks_arrive"),
    *("deliveries_were_taken", "taken_deliveries_are_logged"),
}
REFINE_AGAIN = {"failed_refinements", "refinement_backlog", "refined_built_from_newest"}
# How a function is called that takes up what was received and not refined.
REFINE = ("*refine_open*", "*refine*pending*", "*reprocess*", "*retry*refine*")
SCRIPT = """\
cd {folder} && python - <<'END'
import asyncio
from uuid import UUID
from {sessions} import {factory}
{imports}

async def again():
    async with {factory}() as session:
{calls}

asyncio.run(again())
END"""


def offered(audit: Audit, verdict: Verdict, rows: pd.DataFrame) -> list[Remedy]:
    """Return the commands that this finding's `rows` ask for; none for what cannot be said exactly."""
    if verdict.status != "fail":
        return []
    found = list(_statements(verdict))
    if verdict.check == "credentials_accepted":
        found += registering.token(audit, verdict)
    if verdict.check in REGISTER:
        found += registering.registration(audit, verdict)
    if verdict.check in REFINE_AGAIN:
        found += _refinement(audit)
    if verdict.check in RESYNC:
        found += _syncs(audit, verdict, rows)
    return found + (_by_cause(audit, verdict, rows) if verdict.causes else [])


def _by_cause(audit: Audit, verdict: Verdict, rows: pd.DataFrame) -> list[Remedy]:
    """Return what mends each cause, in words, and the commands for the rows that ask for them."""
    codes = [code for code in ordered(verdict.causes) if code in CAUSES and code not in EXPECTED]
    found = [{"say": f"{verdict.causes[code]} {code}: {CAUSES[code].remedy}"} for code in codes]
    if "UNEXPLAINED" in verdict.causes:
        told = "look at one of these rows by hand, and declare what the file does not give yet: see the evidence"
        found.append({"say": f"{verdict.causes['UNEXPLAINED']} UNEXPLAINED: {told}"})
    asking = {way: rows[rows["cause"].isin({code for code in codes if way in CAUSES[code].mend})] for way in WAYS}
    if len(asking["register"]):
        found += registering.registration(audit, verdict)
    if len(asking["refine"]):
        found += _refinement(audit)
    if len(asking["sync"]):
        found += _syncs(audit, verdict, asking["sync"])
    return found + list(_deletions(audit, asking["delete"]))


WAYS = ("register", "refine", "sync", "delete")


def _refinement(audit: Audit) -> list[Remedy]:
    """Return which function takes up what was received and not refined."""
    functions = (
        [one for name in REFINE for one in codebase.functions(audit.code, name)] if audit.parameters.code else []
    )
    return [{"say": f"refine again with {one.qualified} ({one.file}:{one.line})"} for one in functions[:1]]


def _deletions(audit: Audit, rows: pd.DataFrame) -> Iterator[Remedy]:
    """Yield the statements that mark extra rows as deleted, by tenant and resource."""
    ids = {one.name: one.id for one in audit.parameters.tenants}
    for (tenant, name), part in rows.groupby(["tenant", "resource"]) if len(rows) else []:
        resource = audit.parameters.resources[str(name)]
        known = [one for one in dict.fromkeys(map(str, part["source_id"])) if re.fullmatch(r"[0-9]{1,20}", one)]
        if not resource.deleted or not resource.tenant or len(resource.key) > 1 or not known or tenant not in ids:
            continue
        column, values = resource.deleted_by
        table = audit.relations.table(resource.table)
        if not {column, resource.tenant, resource.key[0]} <= set(table.columns):
            continue  # what stands inside a JSON column is not set so simply
        condition = (
            f"{_named(resource.tenant)} = {_quoted(ids[str(tenant)])}"
            f" and {_named(resource.key[0])} in ({', '.join(map(_quoted, known[:MOST]))})"
        )
        value = _quoted(values[0]) if values else "true" if table.columns[column] == "boolean" else "now()"
        more = f" (the first {MOST} of {len(known)})" if len(known) > MOST else ""
        yield {
            "say": f"mark the rows of {tenant}, {name} as deleted, as the owner of the tables{more}",
            "command": f"update {_named(table.schema, table.name)} set {_named(column)} = {value} where {condition};",
        }


def _quoted(text: str) -> str:
    return sql.Literal(text).as_string(None).strip()


def _named(*names: str) -> str:
    return sql.Identifier(*names).as_string(None)


def _statements(verdict: Verdict) -> Iterator[Remedy]:
    """Yield the statements that the rows themselves hold, such as that of a missing constraint."""
    names = [column["name"] for column in verdict.columns]
    if "statement" in names:
        place = names.index("statement")
        statements = list(dict.fromkeys(str(row[place]) for row in verdict.rows if isinstance(row[place], str)))
        more = f" (the first {MOST} of {len(statements)})" if len(statements) > MOST else ""
        command = "".join(f"{statement};\n" for statement in statements[:MOST]).rstrip()
        yield {"say": f"run as the owner of the tables{more}", "command": command}


def _syncs(audit: Audit, verdict: Verdict, rows: pd.DataFrame) -> Iterator[Remedy]:
    """Yield a script that runs the sync functions of the resources of these `rows`, for their tenants alone."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for tenant, resource in rows[["tenant", "resource"]].drop_duplicates().itertuples(index=False):
        function = _sync_of(audit.parameters, resource)
        if function:
            wanted.setdefault((tenant, function), []).append(resource)
    calls: dict[str, str] = {}
    for (tenant, function), resources in wanted.items():
        told = f"{tenant}: {', '.join(resources)}{_ids(verdict, tenant, resources)}"
        call = _call(audit, function, tenant)
        if call is None:
            yield {"say": f"run {function} again for {told}"}
        else:
            calls[call] = told
    if calls:
        more = f" (the first {MOST} of {len(calls)} calls)" if len(calls) > MOST else ""
        yield {
            "say": f"sync again, for these tenants alone, in the project's folder{more}",
            "command": _script(audit, dict([*calls.items()][:MOST])),
        }


def _sync_of(parameters: Parameters, name: str) -> str | None:
    """Return the sync function of a resource, or of what it is nested in."""
    resource = parameters.resources.get(name)
    while resource and not resource.sync and resource.nested:
        resource = parameters.resources[resource.nested.in_]
    return resource.sync if resource else None


def _ids(verdict: Verdict, tenant: str, resources: list[str]) -> str:
    """Return the source ids of the rows found, as far as they may be shown, in words."""
    names = [column["name"] for column in verdict.columns]
    if not {"tenant", "resource", "source_id"} <= set(names):
        return ""
    rows = [dict(zip(names, row, strict=True)) for row in verdict.rows]
    own = [row["source_id"] for row in rows if row["tenant"] == tenant and row["resource"] in resources]
    # What stands in a command must not be able to end it; a masked id is no text at all.
    ids = [one for one in dict.fromkeys(map(str, own)) if re.fullmatch(r"[\w.:-]{1,64}", one, re.ASCII)]
    return f"; ids {', '.join(ids[:MOST])}{' …' if len(ids) > MOST else ''}" if ids else ""


def _call(audit: Audit, name: str, tenant: str) -> str | None:
    """Return the call of a sync function for a tenant, or None where the code does not show how it is called."""
    functions = codebase.functions(audit.code, name) if audit.parameters.code else []
    tenant_id = next((one.id for one in audit.parameters.tenants if one.name == tenant), None)
    if len(functions) != 1 or tenant_id is None or _session_factory(audit.code) is None:
        return None
    holder = _holder(audit.code, functions[0])
    arguments = [one.arg for one in functions[0].node.args.args if one.arg not in ("self", "cls")]
    if holder is None or len(arguments) != 2 or not isinstance(functions[0].node, ast.AsyncFunctionDef):
        return None
    return f"{functions[0].module}:{holder if holder == name else f'{holder}.{name}'}(session, {_literal(tenant_id)})"


def _script(audit: Audit, calls: dict[str, str]) -> str:
    """Return a script that makes these calls, each written as ``module:call``, with a word on what it is for."""
    factory = _session_factory(audit.code)
    assert factory is not None and audit.parameters.code is not None
    parts = [(*call.split(":", 1), told) for call, told in calls.items()]
    imports = {f"from {module} import {re.split(r'[.(]', call)[0]}" for module, call, _ in parts}
    return SCRIPT.format(
        folder=_in_a_shell(audit.parameters.code.folder),
        sessions=factory[0],
        factory=factory[1],
        imports="\n".join(sorted(imports)),
        calls="\n".join(f"        # {told}\n        print(await {call})" for _, call, told in parts),
    )


def _in_a_shell(folder: str) -> str:
    """Return a folder as a shell takes it; a ~ at its start must not be quoted."""
    home = "~/" if folder.startswith("~/") else ""
    return home + shlex.quote(folder.removeprefix(home))


def _literal(tenant_id: str) -> str:
    """Return a tenant's id as the code has it: a UUID, a number or a text."""
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tenant_id, re.IGNORECASE):
        return f"UUID({tenant_id!r})"
    return tenant_id if re.fullmatch(r"0|[1-9]\d*", tenant_id, re.ASCII) else repr(tenant_id)


def _holder(code: codebase.Code, function: Function) -> str | None:
    """Return what has to be imported: the function, or the instance of its class that its module makes."""
    if function.owner is None:
        return function.name
    table = code.modules[function.module].tables[code.modules[function.module].tree]
    for name, bindings in table.bindings.items():
        value = bindings[-1].value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == function.owner:
            return name
    return None


def _session_factory(code: codebase.Code) -> tuple[str, str] | None:
    """Return module and name of what makes a database session; None unless there is one such name."""
    found = [
        (module.name, name)
        for module in code.modules.values()
        for name, bindings in module.tables[module.tree].bindings.items()
        if re.search(r"session_?(factory|maker|local)$", name, re.IGNORECASE)
        and not name.startswith("_")
        and bindings[-1].kind in ("function", "assign")
    ]
    return found[0] if len(found) == 1 else None
