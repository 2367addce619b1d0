"""Made-up runs in the shape of real ones: verdicts, decided by the real rules, and notebooks that show them."""

import io
import random
from base64 import b64encode
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dsaudit.audit.display import Closing, Shown
from dsaudit.parameters.models import Parameters
from dsaudit.run import decide
from dsaudit.verdict import Result, Status, Verdict

RUN, NONCE = "20261120T140302Z-7f3a", "0123456789abcdef0123456789abcdef"
TENANTS = ["acme", "nordlicht"]
RESOURCES = ["order", "line_item", "customer", "product", "variant", "refund", "payout"]
TERMS = yaml.safe_load((Path(__file__).parent / "terms.yml").read_text(encoding="utf-8"))
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

NO_GO = {
    "source_missing_in_refined": Status.FAIL,
    "wanted_topics_registered": Status.FAIL,
    "orphans": Status.FAIL,
    "failed_refinements": Status.FAIL,
    "refinement_backlog": Status.INCONCLUSIVE,
    "deliveries_succeed": Status.ERROR,
    "shared_hashes": Status.WAIVED,
    "update_arrives_by_webhook": Status.SKIPPED,
    "unsigned_delivery_refused": Status.SKIPPED,
}
EXPLAINS = {"wanted_topics_registered": ["source_missing_in_refined"], "source_missing_in_refined": ["orphans"]}
QUERY = """select r.tenant, r.resource, r.source_id, f.total_price
from (select integration_id as tenant, object_type as resource, object_id as source_id from shopify_raw_ingest) as r
left join shopify_order as f on f.source_id = r.source_id and f.tenant = r.tenant
where f.source_id is null and r.received_at < '2026-11-20T14:02:58Z'::timestamptz
order by 1, 2, 3"""


def result(
    statuses: dict[str, Status] | None = None, explains: dict[str, list[str]] | None = None, **given: Any
) -> dict[str, Any]:
    """A run's result: every check passes but those of `statuses`; `given` replaces parts of it."""
    told = statuses or {}
    verdicts = [_verdict(check, told.get(check["check"], Status.PASS)) for check in TERMS["checks"]]
    names = list(dict.fromkeys(check["phase"] for check in TERMS["checks"]))
    record: dict[str, Any] = {
        "schema": 1,
        **_frame(),
        "plan": [_planned(verdict, explains or {}) for verdict in verdicts],
        "phases": [_phase(name) for name in names],
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "limits": [],
        "problems": [],
        "digest": "d1" * 32,
        **given,
    }
    settings = {"path": "acme.yml", "integration": "acme-shopify", "database": {"url_env": "AUDIT_URL"}}
    decide.decide(record, Parameters.model_validate(settings), TERMS)
    return record


def _frame() -> dict[str, Any]:
    """What a run says of itself, of the database, and of the runs before it."""
    earlier = [_earlier(day) for day in range(20, 13, -1)]
    return {
        "run": {
            "id": RUN,
            "nonce": NONCE,
            "blueprint": "datasource",
            "integration": "acme-shopify",
            "environment": "staging",
            "tenants": TENANTS,
            "started": "2026-11-20T14:02:51+00:00",
            "ended": "2026-11-20T14:03:32+00:00",
            "commit": "4b1d0c7e5a9f",
            "dirty": False,
            "versions": {"dsaudit": "0.1.0", "pandas": "3.0.1", "psycopg": "3.3.9", "python": "3.11.7"},
        },
        "instant": {
            "time": "2026-11-20T14:02:58.123456Z",
            "system_identifier": "7436121840251117591",
            "database": "shop",
            "server_version": "18.1",
            "replica": False,
            "role": "dsaudit_reader",
            "may_write": [],
            "renewed": 0,
        },
        "parameters": {
            "file": "acme.yml",
            "path": "parameters/acme.yml",
            "sha256": "9c" * 32,
            "values": {"integration": "acme-shopify", "database": {"url_env": "AUDIT_URL"}},
            "overrides": {},
        },
        "history": earlier,
        "changes": {
            "against": earlier[0]["id"],
            "new": 2,
            "known": 13,
            "fixed": 4,
            "since": "2026-11-18T06:00:41+00:00",
        },
    }


def detection(**changes: Any) -> dict[str, Any]:
    """What was measured of the audit itself, as a run's result has it."""
    survivor = {"kind": "storefront/late_delete", "what": "orphans did not tell of it"}
    return {
        "measured": "2026-11-28",
        "version": "0.1.0",
        "is_same_code": True,
        "mutants": {"sql": {"made": 400, "killed": 372}, "python": {"made": 0, "killed": 0}},
        "kinds": 60,
        "plantings": 300,
        "detected": 298,
        "named_first": 297,
        "causes": 120,
        "right_cause": 119,
        "clean_runs": 100,
        "false_alarms": 0,
        "survivors": [{**survivor, "seed": seed} for seed in (1, 4)],
        "checks": {"orphans": 3, "null_hashes": 1},
        **changes,
    }


def _earlier(day: int) -> dict[str, Any]:
    failed = {"accuracy": "fail"} if day > 17 else {}
    return {
        "id": f"202611{day}T060000Z-0a{day}",
        "ended": f"2026-11-{day}T06:00:41+00:00",
        "decision": "NO-GO" if failed else "GO",
        "criteria": {**{one["id"]: "pass" for one in TERMS["criteria"]}, **failed},
    }


def _phase(name: str) -> dict[str, Any]:
    path = f"phases/{name}.ipynb"
    return {"name": name, "path": path, "seconds": 3.21, "ended_by": "its last cell", "sha256": "ab" * 32}


def _planned(verdict: Verdict, explains: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "phase": verdict.phase,
        "cell": verdict.check.replace("_", "-"),
        "check": verdict.check,
        "scopes": [one.scope for one in verdict.results],
        "required": True,
        "skipped": verdict.results[0].reason if verdict.status is Status.SKIPPED else None,
        "explains": explains.get(verdict.check, []),
        **{name: getattr(verdict, name) for name in ("claim", "why", "requirement", "severity")},
    }


def _verdict(check: dict[str, Any], status: Status) -> Verdict:
    wide = check.get("wide") and status is not Status.SKIPPED
    scopes = [{"tenant": tenant, "resource": name} for tenant in TENANTS for name in RESOURCES] if wide else [{}]
    chance = random.Random(check["check"])
    results = [
        _result(scope, status if place in (0, 3) else Status.PASS, chance, check["check"])
        for place, scope in enumerate(scopes)
    ]
    verdict = Verdict(
        **{name: check[name] for name in ("phase", "check", "claim", "why", "severity")},
        requirement=[f"DS{int(check['phase'][:2])}.1"],
        status=status,
        results=results,
        run=RUN,
        nonce=NONCE,
        query=QUERY,
        seconds=0.0421,
    )
    if status in (Status.FAIL, Status.WAIVED):
        _add_rows(verdict, chance)
    if status is Status.WAIVED:
        verdict.waiver = {"owner": "data platform", "reason": "backfill runs next week", "expires": "2026-12-01"}
    return verdict


def _result(scope: dict[str, str], status: Status, chance: random.Random, check: str) -> Result:
    if status is Status.SKIPPED:
        return Result({}, status, observed="not run", reason="the parameter file has no source (the provider's API)")
    if status in (Status.INCONCLUSIVE, Status.ERROR):
        reason = "nothing was examined" if status is Status.INCONCLUSIVE else "KeyError at deliveries.py:41"
        return Result(scope, status, observed="nothing, as it could not be judged", reason=reason)
    total = chance.randrange(2, 400) if status in (Status.FAIL, Status.WAIVED) else 0
    examined = chance.randrange(300, 60_000)
    found = Result(scope, status, observed=f"{total} rows", value=total, examined=examined, total=total)
    if check == "latency_within_limit":
        found.expected, found.observed, found.value, found.unit = "at most 5 s", "1.84 s", 1.84, "s"
    return found


def _add_rows(verdict: Verdict, chance: random.Random) -> None:
    roles = {"tenant": "scope", "resource": "scope", "source_id": "key"}
    names = ("tenant", "resource", "source_id", "total_price", "note", "received_at")
    verdict.columns = [{"name": name, "role": roles.get(name, "value")} for name in names]
    verdict.rows = [_row(chance) for _ in range(min(8, verdict.total))]
    verdict.findings = [f"k3f2a:{row[2]}" for row in verdict.rows]
    verdict.remedies = [
        {"say": "re-read the ids above from the source and ingest them", "command": "sync --only order"}
    ]
    verdict.limits = [f"{len(verdict.rows)} of {verdict.total} rows are shown"]


def _row(chance: random.Random) -> list[Any]:
    masked = {"masked": f"k3f2a:{chance.randrange(16**10):010x}", "length": chance.randrange(4, 60)}
    price = f"{chance.randrange(1, 90_000) / 100:.2f}"
    received = f"2026-11-20T13:{chance.randrange(60):02}:07.120000+00:00"
    return ["acme", "order", str(5_432_100_000_000 + chance.randrange(10**9)), price, masked, received]


def write_notebooks(folder: Path, record: dict[str, Any], extra: dict[str, list[Any]] | None = None) -> None:
    """Write the executed notebook of each phase; `extra` adds outputs to a cell of their own, by phase."""
    (folder / "phases").mkdir(parents=True, exist_ok=True)
    for phase in record["phases"]:
        verdicts = [Verdict.from_json(one) for one in record["verdicts"] if one["phase"] == phase["name"]]
        title = phase["name"][3:].replace("_", " ").capitalize()
        cells = [
            new_markdown_cell(f"# {title}\n\nDoes what was asked for arrive **whole**?"),
            new_code_cell('system = "parameters/sample.yml"', metadata={"tags": ["parameters"]}),
        ]
        for verdict in verdicts:
            shown = new_output("execute_result", verdict._repr_mimebundle_(), execution_count=1)
            cells.append(new_markdown_cell(f"## {verdict.claim}\n\n{verdict.why}."))
            cells.append(new_code_cell(f'audit.check("{verdict.check}")', outputs=[shown]))
        cells += _exploration() if phase["name"].startswith("07") else []
        cells.append(new_code_cell("show()", outputs=(extra or {}).get(phase["name"], [])))
        closing = Closing(RUN, NONCE, phase["name"], verdicts)._repr_mimebundle_()
        cells.append(new_code_cell("audit.close()", outputs=[new_output("execute_result", closing)]))
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / phase["path"])


def _exploration() -> list[Any]:
    columns = [{"name": name} for name in ("resource", "via", "records", "first", "last")]
    rows = [[name, "webhook", 1200 * place, "2026-11-01", "2026-11-20"] for place, name in enumerate(RESOURCES, 1)]
    shown = Shown("Records by source", columns, rows, len(rows))._repr_mimebundle_()
    alternative = {"image/png": {"alt": "Records an hour; none between 13:02 and 14:01"}}
    picture = {"image/png": b64encode(plot()).decode(), "text/plain": "<Figure>"}
    return [
        new_markdown_cell("## What came in, and when"),
        new_code_cell('audit.table("ingest_by_source")', outputs=[new_output("execute_result", shown)]),
        new_code_cell(
            'plots.ingest(audit.frame("ingest_over_time"))',
            metadata={"tags": ["front"]},
            outputs=[new_output("display_data", picture, metadata=alternative)],
        ),
    ]


def plot() -> bytes:
    """A picture of records an hour with a gap."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.25, 2.4), dpi=144, layout="constrained")
    axes = figure.subplots()
    axes.bar(range(48), [0 if 30 < hour < 34 else 40 + 7 * (hour % 12) for hour in range(48)], color="#8fa3bf")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Records an hour", loc="left", fontsize=10)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
