"""What watches the system, read once: its rules, its dashboards, the code that declares metrics, and a scrape."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promql_parser import AggregateExpr

from dsaudit.monitoring import given, measured
from dsaudit.observability import costs, declaring, grafana, panels, promql
from dsaudit.observability.declaring import Declared, Unreadable
from dsaudit.observability.exposition import PARTS, NotExposed, Scrape, buckets, scraped
from dsaudit.observability.kinds import Kinds
from dsaudit.observability.labels import kept
from dsaudit.observability.panels import NoDashboard, Panel
from dsaudit.parameters.secret import SecretMissing

if TYPE_CHECKING:
    from promql_parser import Expr

    from dsaudit.audit import Audit
    from dsaudit.parameters.monitoring import Monitoring

ADDED = {"job", "instance"}  # by Prometheus itself
OF_THE_PROCESS = ("python_", "process_")  # how what every process exposes begins
WHEN_MADE = "_created"  # how the names end of what the library exposes beside a counter


@dataclass(frozen=True)
class Ruled:
    """A rule as it stands in a file, and the labels that its group gives it."""

    file: str
    rule: dict[str, Any]
    group_labels: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called: of an alert, or of what it records."""
        return str(self.rule.get("alert") or self.rule.get("record"))

    @property
    def is_alert(self) -> bool:
        """Whether it alarms, and does not only record."""
        return "alert" in self.rule


def section(audit: Audit) -> Monitoring:
    """Return what the file says of monitoring."""
    monitoring = audit.parameters.whole.monitoring
    assert monitoring
    return monitoring


def rules(audit: Audit) -> tuple[list[Ruled], list[str]]:
    """Return the rules of all files, and why others could not be read."""
    found, problems = list[Ruled](), list[str]()
    for name in section(audit).rules:
        try:
            groups = given.groups(audit.parameters.folder(name))
        except given.NoRules as error:
            problems.append(f"{name}: {error}")
            continue
        for group in groups:
            labels = group.get("labels")
            own = labels if isinstance(labels, dict) else {}
            found += [Ruled(name, rule, own) for rule in group.get("rules") or []]
    return found, problems


def dashboards(audit: Audit) -> tuple[list[Panel], list[str]]:
    """Return the queries of all panels, and why files and queries could not be read, certainly empty ones aside."""
    found, problems = list[Panel](), list[str]()
    for name in section(audit).dashboards:
        try:
            found += panels.read(audit.parameters.folder(name))
        except NoDashboard as error:
            problems.append(f"{name}: {error}")
    unread = [one for one in found if one.problem and not one.is_empty]
    return found, problems + [f"{one.dashboard}: {one.title}: {one.problem}" for one in unread]


def declared(audit: Audit) -> tuple[list[Declared], str | None]:
    """Return the metrics that the code declares, and why it could not be read; neither where no module is named."""
    module = section(audit).module
    try:
        return (declaring.declared(audit.parameters.folder(module)) if module else []), None
    except Unreadable as error:
        return [], f"{module}: {error}"


def scrape(audit: Audit) -> tuple[Scrape | None, str | None]:
    """Return what is exposed, scraped once, or why nothing was; neither where the file does not say where it is."""
    exposed = section(audit).exposed
    if exposed is None:
        return None, None
    if "scrape" not in audit.kept:
        try:
            audit.kept["scrape"] = scraped(exposed, audit.parameters.environment), None
        except (NotExposed, SecretMissing) as error:
            audit.kept["scrape"] = None, str(error)
    found: tuple[Scrape | None, str | None] = audit.kept["scrape"]
    return found


def is_beside(name: str) -> bool:
    """Return whether the library exposes a metric by itself, beside those of the system."""
    return name.startswith(OF_THE_PROCESS) or name.endswith(WHEN_MADE)


def kinds(audit: Audit) -> Kinds:
    """Return what is known of the metrics' kinds and labels: from a scrape, and from the code that declares them."""
    told: dict[str, str] = {}
    labels: dict[str, frozenset[str]] = {}
    last: dict[str, float] = {}
    for one in declared(audit)[0]:
        kind = one.kind.lower()
        for name in names_of(one):
            told |= {name: kind} if kind in ("counter", "gauge") else {}
            labels[name] = frozenset({*one.labels, *(["le"] if name.endswith("_bucket") else [])})
        if finite := [end for end in one.buckets if math.isfinite(end)]:
            last[f"{one.name}_bucket"] = max(finite)
    found, _ = scrape(audit)
    seen = found.kinds if found else Kinds()
    exposed = section(audit).exposed
    added = Kinds.added | {*(exposed.labels if exposed else [])}
    return Kinds({**told, **seen.told}, {**labels, **seen.labels}, {**last, **seen.last_buckets}, added)


def names_of(one: Declared) -> list[str]:
    """Return the names under which a declared metric is exposed."""
    base = one.name.removesuffix("_total") if one.kind == "Counter" else one.name
    return [base + part for part in PARTS.get(one.kind.lower(), ("",))] if one.name else []


def known(audit: Audit) -> set[str] | None:
    """Return the names of metrics that exist, by scrape or code or parameter file; None where nothing tells them."""
    found, _ = scrape(audit)
    names = {name for one in declared(audit)[0] for name in names_of(one)}
    names |= set(found.names) if found else set()
    told = {name + part for name in section(audit).metrics or () for part in ("", *given.PARTS_OF_A_HISTOGRAM)}
    return names | elsewhere(audit) | told if names or told else None


def elsewhere(audit: Audit) -> set[str]:
    """Return the names that the system itself need not expose: Prometheus', recorded ones, and `dsaudit monitor`'s."""
    recorded = {one.name for one in rules(audit)[0] if not one.is_alert}
    return recorded | given.OF_PROMETHEUS | {metric.name for metric in measured(audit.parameters.whole)}


def asks(tree: Expr) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that an expression names, with the labels that its series have to have."""
    for selector in promql.selectors(tree):
        if name := promql.metric(selector):
            wanted = {one.label for one in promql.conditions(selector) if _needs_the_label(one)}
            yield name, wanted


def _needs_the_label(one: promql.Condition) -> bool:
    return one.sign in ("=", "=~") and one.value not in ("", ".*") and "$" not in one.value and "|" not in one.value


def lacking(audit: Audit, tree: Expr, names: set[str], labels: Kinds) -> Iterator[tuple[str, str]]:
    """Yield each metric that an expression names and nothing exposes, or not with a label, with what is wrong."""
    exposed = section(audit).exposed
    added = ADDED | {*(exposed.labels if exposed else [])}
    for name, wanted in dict.fromkeys((name, frozenset(wanted)) for name, wanted in asks(tree)):
        if name not in names and not name.startswith("scrape_"):
            yield name, "nothing exposes it"
        elif (there := labels.labels.get(name)) is not None:
            yield from ((name, f"it has no label {label}") for label in sorted(wanted - there - added))
    yield from dict.fromkeys(_grouped_by_nothing(tree, labels))


def _grouped_by_nothing(tree: Expr, kinds: Kinds) -> Iterator[tuple[str, str]]:
    """Yield the labels by which an expression is aggregated, and that none of its metrics has."""
    for node in promql.within(tree):
        keeps, told = promql.grouping(node) if isinstance(node, AggregateExpr) else (False, [])
        below = kept(node.expr, kinds) if keeps and isinstance(node, AggregateExpr) else None
        metrics = [promql.metric(one) for one in promql.selectors(node)]
        if below is None or not metrics or any(name not in kinds.labels for name in metrics):
            continue
        there = below.union(*(kinds.labels[name] for name in metrics), {promql.NAME})
        lost = [label for label in told if label not in there and not label.startswith(grafana.STAND_IN)]
        yield from ((metrics[0], f"it has no label {label}") for label in lost)


def unseen(audit: Audit, tree: Expr) -> Iterator[str]:
    """Yield what an expression asks of labels and no series that is exposed has; one may still come."""
    found, _ = scrape(audit)
    for selector in promql.selectors(tree) if found else []:
        name = promql.metric(selector)
        there = [one.labels for one in found.series if one.name == name] if found else []
        for one in promql.conditions(selector):
            values = {labels[one.label] for labels in there if one.label in labels}
            if values and _needs_the_label(one) and not any(_takes(one, value) for value in values):
                yield f"{name}{{{one.label}{one.sign}{promql.quoted(one.value)}}}"


def _takes(one: promql.Condition, value: str) -> bool:
    if one.sign == "=":
        return one.value == value
    try:
        return re.fullmatch(one.value, value) is not None
    except re.error:
        return True  # Prometheus writes some patterns otherwise


def costs_of(audit: Audit) -> tuple[list[costs.Cost], str | None]:
    """Return what one record of each metric costs: as the code declares it, or else as it is exposed."""
    code, problem = declared(audit)
    made = [one for one in code if one.made is not None and one.kind in costs.RECORDED]
    told: list[costs.Cost | None] = [costs.of_metric(one.name, one.kind, one.labels, one.made) for one in made]
    seen = {name for one in made for name in names_of(one)}
    found, _ = scrape(audit)
    for family in found.families if found else []:
        if is_beside(family.name) or seen & {family.name + part for part in PARTS.get(family.type, ("",))}:
            continue
        labels = frozenset(label for sample in family.samples for label in sample.labels)
        told.append(costs.like(family.name, family.type, labels, buckets(family)))
    return [one for one in told if one], None if any(told) else problem
