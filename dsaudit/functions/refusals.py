"""How the system's own API refuses: in one form, and of another tenant's rows as of what does not exist."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from dsaudit.facts.served import Heard, Part, Served, served
from dsaudit.facts.served.refusing import Case, cases, has_form, is_answered, paths_of
from dsaudit.facts.served.trespassing import trespasses
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def errors_have_one_format(audit: Audit) -> Found:
    """Whatever has to be refused is refused with the declared status, in the one declared form.

    why: who calls the API reads its refusals by a program, which takes one in another form for an outage or for nothing
    requirement: DI5
    severity: high
    needs: apis, apis.error
    instant: now
    key: endpoint, asked
    show: endpoint, asked, expected, answered
    remedy: raise the one kind of error in each endpoint, and let one handler make the answer
    """
    one = served(audit)
    rows: list[Row] = []
    examined, reasons = 0, []
    with closing(one.api):
        for part in _of_each_endpoint(one):
            if part.problem:
                reasons.append(part.problem)
                continue
            paths = paths_of(part)
            if not paths:
                reasons.append(f"{part.endpoint.name}: there is no row to ask for")
            for path in paths:
                if not is_answered(one, part, path):
                    reasons.append(f"{path.name}: does not answer as the file says where all is right")
                    continue
                for case in cases(audit, one, part, path):
                    heard = case.ask(one)
                    examined += 1
                    if told := _wrong(one, case, heard):
                        expected = " or ".join(map(str, case.statuses))
                        rows.append(
                            {"endpoint": path.name, "asked": case.words, "expected": expected, "answered": told}
                        )
    found = frames(rows, [{"examined": examined, "reason": "; ".join(reasons) or None}])
    found[1].attrs["limits"] = list(one.limits)
    return found


def api_isolates_tenants(audit: Audit) -> Found:
    """No id, list, filter or mix of headers gives anybody another tenant's records.

    why: an id that is answered otherwise than one that does not exist tells already that there is something, and a
      record that is given is a leak, however well the tables are kept apart
    requirement: DI5
    severity: critical
    scope: tenant
    needs: apis, apis.headers
    instant: now
    key: endpoint, way, source_id
    show: endpoint, way, problem
    explains: api_serves_the_rows, endpoints_agree
    remedy: take the tenant from who asks, in one place, before anything is read, and let row security hold what the
      code forgets
    """
    one = served(audit)
    rows: list[Row] = []
    examined: dict[str, Row] = {name: {"tenant": name, "examined": 0} for name in audit.parameters.tenant_names}
    resources = {path: each.resource for each in one.api.apis.endpoints for path in (each.list_, each.one) if path}
    with closing(one.api):
        tries = list(trespasses(audit, one))
    for tried in tries:
        line = examined.get(tried.owner.tenant)
        if line is None:
            continue
        line["examined"] += 1
        if tried.problem:
            place = {"tenant": tried.owner.tenant, "resource": resources[tried.endpoint]}
            told = {"endpoint": tried.endpoint, "way": tried.way}
            rows.append({**place, **told, "source_id": tried.source_id, "problem": tried.problem})
    for part in one.parts:
        if part.problem and part.owner.tenant in examined:
            examined[part.owner.tenant]["reason"] = part.problem
    if len(one.owners) < 2:
        for line in examined.values():
            line["reason"] = "no second owner has rows, whose records could be asked for"
    found = frames(rows, examined.values())
    found[1].attrs["limits"] = list(one.limits)
    return found


def _of_each_endpoint(one: Served) -> list[Part]:
    """Return of each endpoint the part of an owner who has rows of it, if there is one."""
    found: dict[str, Part] = {}
    for part in one.parts:
        known = found.setdefault(part.endpoint.name, part)
        if part.rows and not known.rows:
            found[part.endpoint.name] = part
    return list(found.values())


def _wrong(one: Served, case: Case, heard: Heard) -> str | None:
    """Return how an answer is not as it has to be, or None."""
    form = one.api.apis.error
    assert form is not None  # the check is not planned otherwise
    in_form = has_form(heard, form)
    if heard.status in case.statuses and in_form:
        return None
    if heard.status < 400:
        return f"{heard.status}, as if nothing were wrong"
    return f"{heard.status}" if in_form else f"{heard.status}, in another form"
