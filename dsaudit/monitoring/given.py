"""The alert rules that an integration has: read from its files, and held against the dangers that can be watched."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from dsaudit.monitoring.metrics import ALL, measured, why_not
from dsaudit.monitoring.promql import NotPromql, Selector, selectors
from dsaudit.parameters import Parameters
from dsaudit.parameters.monitoring import Danger

# What Prometheus itself tells of every target and rule.
OF_PROMETHEUS = {"up", "ALERTS", "ALERTS_FOR_STATE"}
TIMES = 10  # a limit so many times the declared one wakes nobody in time
PARTS_OF_A_HISTOGRAM = ("_bucket", "_count", "_sum")


@dataclass(frozen=True)
class Rule:
    """One alert or recording rule, and what it asks for; ``problem`` says why that is not known."""

    file: str
    name: str
    is_alert: bool
    asks: tuple[Selector, ...] = ()
    problem: str = ""


@dataclass
class Given:
    """The rules of the declared files, and why a file could not be read."""

    parameters: Parameters
    rules: list[Rule] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @cached_property
    def recorded(self) -> dict[str, list[Rule]]:
        """The recording rules, by the name of what they record."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if not rule.is_alert:
                found.setdefault(rule.name, []).append(rule)
        return found

    @cached_property
    def watched(self) -> dict[str, Danger]:
        """The metrics that exist, with the danger that each tells of."""
        assert self.parameters.monitoring is not None
        return {
            **dict.fromkeys(OF_PROMETHEUS, "other"),
            **{metric.name: metric.danger for metric in measured(self.parameters)},
            **(self.parameters.monitoring.metrics or {}),
        }

    @property
    def is_all_declared(self) -> bool:
        """Whether the file says which metrics there are beside dsaudit's."""
        assert self.parameters.monitoring is not None
        return self.parameters.monitoring.metrics is not None

    def unknown(self, rule: Rule) -> list[str]:
        """Return the metrics that a rule names and nothing exposes."""
        names = dict.fromkeys(one.metric for one in rule.asks)
        return [name for name in names if not self._is_known(name)]

    def unmeasured(self, rule: Rule) -> dict[str, str]:
        """Return of dsaudit's own metrics that a rule names why they cannot be measured by this file."""
        named = {one.metric for one in rule.asks}
        known = {metric.name: why_not(metric, self.parameters) for metric in ALL if metric.name in named}
        return {name: why for name, why in known.items() if why and not self._is_known(name)}

    def _is_known(self, name: str) -> bool:
        whole = [name.removesuffix(part) for part in PARTS_OF_A_HISTOGRAM]
        is_of_scrapes = name.startswith("scrape_")
        return is_of_scrapes or name in self.recorded or any(one in self.watched for one in (name, *whole))

    @cached_property
    def dangers(self) -> dict[Danger, str]:
        """The dangers that can be watched, each with a metric that tells of it: ours, or else a declared one."""
        assert self.parameters.monitoring is not None
        alarming = [metric for metric in measured(self.parameters) if metric.limits(self.parameters)]
        found: dict[Danger, str] = {}
        for metric in sorted(alarming, key=ALL.index):
            found.setdefault(metric.danger, metric.name)
        for name, danger in (self.parameters.monitoring.metrics or {}).items():
            if danger != "other":
                found.setdefault(danger, name)
        return found

    def uncovered(self) -> Iterator[tuple[Danger, str, list[str]]]:
        """Yield each danger that no alert tells of, the metric that would, and the tenants for whom there is none."""
        asked = [one for rule in self.rules if rule.is_alert for one in self._behind(rule, set())]
        tenants = self.parameters.tenant_names
        for danger, name in self.dangers.items():
            own = [one for one in asked if self._danger(one.metric) == danger and self._can_fire(one)]
            labels = [{"integration": self.parameters.integration, "tenant": one} for one in tenants]
            without = [one["tenant"] for one in labels if not any(ask.takes(one) for ask in own)]
            if without:
                yield danger, name, without

    def _can_fire(self, one: Selector) -> bool:
        """Return whether a rule says when a metric is too high; of dsaudit's own it is known what that is."""
        metric = next((metric for metric in measured(self.parameters) if metric.name == one.metric), None)
        limits = metric.limits(self.parameters).values() if metric else ()
        if one.is_absent or not limits:
            return not one.is_absent
        assert metric is not None
        most = max(TIMES * max(limits), metric.unit == "count")  # where none is right, more than one tells as well
        return one.above is not None and (math.isnan(one.above) or one.above <= most)

    def _danger(self, name: str) -> str | None:
        whole = [name, *(name.removesuffix(part) for part in PARTS_OF_A_HISTOGRAM)]
        return next((self.watched[one] for one in whole if one in self.watched), None)

    def _behind(self, rule: Rule, passed: Collection[str]) -> Iterator[Selector]:
        """Yield what a rule asks for, and what stands behind what others record, under the conditions of both."""
        for one in rule.asks:
            yield one
            if one.metric in self.recorded and one.metric not in passed and not one.is_absent:
                for behind in self.recorded[one.metric]:
                    for other in self._behind(behind, {*passed, one.metric}):
                        above = one.above if other.above is None else other.above
                        yield replace(other, labels=(*other.labels, *one.labels), above=above)


def read(parameters: Parameters) -> Given:
    """Return the rules of the files that the parameter file declares under `monitoring.rules`."""
    assert parameters.monitoring is not None
    given = Given(parameters)
    for name in parameters.monitoring.rules:
        try:
            given.rules += list(_rules(name, parameters.folder(name)))  # whole, or not at all
        except NoRules as error:
            given.problems[name] = str(error)
    return given


def has_alerts(path: Path) -> bool:
    """Return whether a file has groups of rules as Prometheus reads them, and an alert among them."""
    try:
        text = path.read_text(encoding="utf-8")
        # Most YAML files are something else, and some of them large: they need no parsing.
        return bool(re.search(r"""(?:^[ -]*|[{,]\s*)["']?alert["']? *:""", text, re.MULTILINE)) and any(
            rule.is_alert for rule in _rules(path.name, path)
        )
    except (OSError, UnicodeDecodeError, NoRules):
        return False


class NoRules(ValueError):
    """A file holds no rules as Prometheus reads them; the message says why."""


def groups(path: Path) -> list[dict[str, Any]]:
    """Return the groups of rules of a file, as they stand there.

    Raises
    ------
    NoRules
        It cannot be read, or has none.
    """
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]
        # A PrometheusRule of Kubernetes has them in its spec.
        found = [group for one in documents or [{}] for group in one.get("spec", one)["groups"]]
        for rule in (rule for group in found for rule in group.get("rules") or []):
            _ = rule["alert" if "alert" in rule else "record"], rule["expr"]
    except OSError as error:
        raise NoRules(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoRules("it is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise NoRules("it is no YAML" + (f": line {mark.line + 1}" if mark else "")) from None
    except (TypeError, KeyError, AttributeError):
        raise NoRules("it has no groups of rules as Prometheus reads them") from None
    return found


def _rules(name: str, path: Path) -> Iterator[Rule]:
    for group in groups(path):
        yield from (_rule(name, rule) for rule in group.get("rules") or [])


def _rule(file: str, rule: dict[str, Any]) -> Rule:
    is_alert = "alert" in rule
    name = str(rule["alert" if is_alert else "record"])
    try:
        return Rule(file, name, is_alert, tuple(selectors(str(rule["expr"]))))
    except NotPromql as error:
        return Rule(file, name, is_alert, problem=str(error))
