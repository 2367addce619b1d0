"""What would mend a finding, as commands with this integration's own values. They are offered, never executed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.codebase import Function
from dsaudit.facts import webhooks
from dsaudit.verdict import Verdict
from dsaudit.verdict.causes import CAUSES, EXPECTED, ordered

if TYPE_CHECKING:
    import pandas as pd

    from dsaudit.audit import Audit
    from dsaudit.parameters import Parameters
    from dsaudit.parameters.models import Tenant

Remedy = dict[str, str]

RESYNC = {"initial_sync_completed", "last_sync_completed", "last_sync_is_recent"}
REGISTER = {
    *("wanted_topics_are_registered", "recorded_topics_are_registered", "webhook_addresses_right"),
    *("registration_succeeded", "deliveries_succeed"),
}
# How a function is called that takes up what was received and not refined.
REFINE = ("*refine_open*", "*refine*pending*", "*reprocess*", "*retry*refine*")
MOST = 5  # statements, calls or ids that are written out
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
    if verdict.check in REGISTER:
        found += _registration(audit, verdict)
    if verdict.check in RESYNC:
        found += _syncs(audit, verdict, None)
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
        found += _registration(audit, verdict)
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
        kind = audit.relations.table(resource.table).columns.get(column)
        condition = (
            f"{resource.tenant} = {_quoted(ids[str(tenant)])} and {resource.key[0]} in ({', '.join(known[:MOST])})"
        )
        value = _quoted(values[0]) if values else "true" if kind == "boolean" else "now()"
        more = f" (the first {MOST} of {len(known)})" if len(known) > MOST else ""
        yield {
            "say": f"mark the rows of {tenant}, {name} as deleted, as the owner of the tables{more}",
            "command": f"update {resource.table} set {column} = {value} where {condition};",
        }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _statements(verdict: Verdict) -> Iterator[Remedy]:
    """Yield the statements that the rows themselves hold, such as that of a missing constraint."""
    names = [column["name"] for column in verdict.columns]
    if "statement" in names:
        place = names.index("statement")
        statements = list(dict.fromkeys(str(row[place]) for row in verdict.rows if isinstance(row[place], str)))
        more = f" (the first {MOST} of {len(statements)})" if len(statements) > MOST else ""
        command = "".join(f"{statement};\n" for statement in statements[:MOST]).rstrip()
        yield {"say": f"run as the owner of the tables{more}", "command": command}


def _registration(audit: Audit, verdict: Verdict) -> Iterator[Remedy]:
    """Yield how a failing tenant's webhooks are looked up, reached and registered again."""
    failing = {result.scope.get("tenant") for result in verdict.results if result.status == "fail"}
    tenants = [one for one in audit.parameters.tenants if failing & {one.name, None}][:MOST]
    for tenant in tenants:
        command = _listing(audit.parameters, tenant)
        if command:
            yield {"say": f"see what the provider has registered for {tenant.name}", "command": command}
    for address in _addresses(audit, tenants):
        command = f"curl -sS -o /dev/null -w '%{{http_code}}\\n' -X POST -d '{{}}' {shlex.quote(address)}"
        yield {
            "say": "see whether deliveries reach it; 401 means that it refuses what is not signed",
            "command": command,
        }
    for function in codebase.functions(audit.code, "*register*webhook*")[:1] if audit.parameters.code else []:
        accounts = ", ".join(tenant.account or tenant.name for tenant in tenants)
        yield {"say": f"register anew with {function.qualified} ({function.file}:{function.line}) for {accounts}"}


def _listing(parameters: Parameters, tenant: Tenant) -> str | None:
    """Return the command that lists a tenant's subscriptions; the token stays in its variable."""
    source = parameters.source
    if source is None or source.kind != "rest" or not source.subscriptions:
        return None
    base = source.base_url or f"${source.base_url_env}"
    account = source.account_path.replace("{account}", tenant.account or "")
    url = "/".join(part.strip("/") for part in (base, account, source.subscriptions) if part)
    token = tenant.token_env or source.token_env
    bearer = "Bearer " if source.token_header.lower() == "authorization" else ""
    header = f' -H "{source.token_header}: {bearer}${token}"' if token else ""
    return f'curl -sS{header} "{_within_quotes(url)}"'


def _addresses(audit: Audit, tenants: list[Tenant]) -> list[str]:
    """Return the right ones of the addresses that these tenants' webhooks go to, if the source was read at all."""
    if "source" not in vars(audit) or audit.parameters.webhooks is None:
        return []
    found = {one.address for tenant in tenants for one in webhooks.subscriptions(audit, tenant.name) or []}
    pattern = audit.parameters.webhooks.address
    return sorted(one for one in found if re.fullmatch(pattern, one) and webhooks.shown(one) == one)[:1]


def _within_quotes(url: str) -> str:
    """Return an address as it may stand within double quotes of a shell, a variable at its start aside."""
    start = re.match(r"\$\w+", url)
    head = start[0] if start else ""
    return head + re.sub(r'([\\"`$])', r"\\\1", url[len(head) :])


def _syncs(audit: Audit, verdict: Verdict, rows: pd.DataFrame | None) -> Iterator[Remedy]:
    """Yield a script that runs the sync functions of the failing resources, for their tenants alone.

    Of several causes, only the scopes of those `rows` are meant that a sync mends.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    meant = None if rows is None else set(zip(rows["tenant"], rows["resource"], strict=True))
    for result in verdict.results:
        if meant is not None and (result.scope.get("tenant"), result.scope.get("resource")) not in meant:
            continue
        function = _sync_of(audit.parameters, result.scope.get("resource", ""))
        if result.status == "fail" and function and "tenant" in result.scope:
            wanted.setdefault((result.scope["tenant"], function), []).append(result.scope["resource"])
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
            "say": f"sync again, for these tenants alone{more}",
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
        folder=shlex.quote(audit.parameters.code.folder),
        sessions=factory[0],
        factory=factory[1],
        imports="\n".join(sorted(imports)),
        calls="\n".join(f"        # {told}\n        print(await {call})" for _, call, told in parts),
    )


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
