"""The metrics that a system exposes: scraped as Prometheus does, and read by the library of Prometheus' own project."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from dsaudit.observability import promql
from dsaudit.observability.kinds import Kinds
from dsaudit.parameters.action import why_unprotected
from dsaudit.parameters.monitoring import Exposed
from dsaudit.parameters.secret import from_environment
from dsaudit.wording import span

LARGEST = 20_000_000  # bytes of one answer
PLAIN = "text/plain;version=0.0.4"
PARTS = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("_info",),
}
Labels = frozenset[tuple[str, str]]


class NotExposed(Exception):
    """Nothing could be scraped, or what was is no exposition; the message says why."""


@dataclass(frozen=True)
class Series:
    """One value: the name of its sample, its labels, and the value."""

    name: str
    labels: dict[str, str]
    value: float

    @property
    def key(self) -> tuple[str, Labels]:
        """By what it is told from all others."""
        return self.name, frozenset(self.labels.items())

    def __str__(self) -> str:
        # What a label holds may be anybody's, and is shown nowhere.
        return f"{self.name}{{{','.join(sorted(self.labels))}}}" if self.labels else self.name


@dataclass(frozen=True)
class Scrape:
    """What one scrape brought: the families, how long it took, and the text itself."""

    families: tuple[Metric, ...]
    seconds: float
    text: str

    @cached_property
    def series(self) -> list[Series]:
        """Every value that was exposed."""
        return [Series(one.name, one.labels, one.value) for family in self.families for one in family.samples]

    @cached_property
    def names(self) -> dict[str, str]:
        """The names under which there are values, or would be as soon as something happens, each with its kind."""
        told: dict[str, str] = {}
        for family in self.families:
            for part in PARTS.get(family.type, ("",)):
                told[family.name + part] = family.type
            told |= dict.fromkeys((one.name for one in family.samples), family.type)
        return told

    @cached_property
    def labels(self) -> dict[str, frozenset[str]]:
        """The names of the labels of each name that has values."""
        found: dict[str, set[str]] = {}
        for one in self.series:
            found.setdefault(one.name, set()).update(one.labels)
        return {name: frozenset(labels) for name, labels in found.items()}

    @property
    def kinds(self) -> Kinds:
        """What a reader of expressions is to know of the metrics."""
        told = {name: kind for name, kind in self.names.items() if kind in ("counter", "gauge")}
        return Kinds(told, self.labels, {name: last for family in self.families for name, last in _last_bucket(family)})

    def total(self, selector: str) -> float | None:
        """Return the sum of the values that a selector takes, or None where it takes none.

        Raises
        ------
        NotPromql
            It is no selector.
        """
        name, asked = asked_for(selector)
        values = [one.value for one in self.series if one.name == name and _fits(one, asked)]
        return sum(values) if values else None


def _last_bucket(family: Metric) -> Iterator[tuple[str, float]]:
    """Yield under which name a histogram has buckets, and where the last one ends but that of all the rest."""
    if found := buckets(family):
        yield f"{family.name}_bucket", max(found)


def buckets(family: Metric) -> list[float]:
    """Return where the buckets of a histogram end, that of all the rest aside."""
    found = set[float]()
    for sample in family.samples:
        with contextlib.suppress(ValueError):
            found.add(float(sample.labels.get("le", "")))
    return sorted(one for one in found if math.isfinite(one))


def asked_for(selector: str) -> tuple[str, dict[str, str]]:
    """Return the metric and the values of labels that a selector names, such as ``imports_total{quality="full"}``.

    Raises
    ------
    NotPromql
        It is no such selector.
    """
    tree = promql.parsed(selector)
    found = promql.selectors(tree)
    if len(found) != 1 or (tree is not found[0] and promql.text(tree) != promql.text(found[0])):
        raise promql.NotPromql("a metric is expected, with labels in braces perhaps")
    told = promql.conditions(found[0])
    if any(one.sign != "=" for one in told) or not promql.metric(found[0]):
        raise promql.NotPromql("each label is given by its value, with =")
    return promql.metric(found[0]), {one.label: one.value for one in told}


def _fits(series: Series, asked: dict[str, str]) -> bool:
    return all(series.labels.get(label, "") == value for label, value in asked.items())


def scraped(exposed: Exposed, environment: str) -> Scrape:
    """Scrape the metrics once.

    Raises
    ------
    NotExposed
        Nothing was answered, or no exposition, or one in which a value stands twice.
    SecretMissing
        The environment lacks a variable.
    """
    begun = time.monotonic()
    text = fetched(exposed, environment)
    seconds = time.monotonic() - begun
    families = _read(text)
    if families is None:
        raise NotExposed(f"what is exposed cannot be read{_first_bad_line(text)}")
    found = Scrape(families, seconds, text)
    if twice := next(_repeated(found), None):
        raise NotExposed(f"{twice} is exposed twice, and Prometheus refuses the whole scrape")
    if not found.names:
        raise NotExposed("nothing is exposed: the answer holds no metric")
    return found


def _read(text: str) -> tuple[Metric, ...] | None:
    """Return the families of a text, None where it is no exposition."""
    try:
        return tuple(text_string_to_metric_families(text))
    except (ValueError, KeyError, IndexError):
        return None


def _first_bad_line(text: str) -> str:
    """Return which line cannot be read, without what it holds, which may be anybody's."""
    lines = enumerate(text.split("\n"), 1)
    number = next((number for number, line in lines if _read(line + "\n") is None), None)
    return f": line {number} is no sample of Prometheus' text format" if number else ""


def _repeated(found: Scrape) -> Iterator[Series]:
    seen = set()
    for one in found.series:
        if one.key in seen:
            yield one
        seen.add(one.key)


def fetched(exposed: Exposed, environment: str) -> str:
    """Return the text that is exposed; raises as `scraped` does."""
    address = exposed.address
    if problem := why_unprotected(bool(exposed.token_env), address, environment):
        raise NotExposed(problem)
    headers = {"User-Agent": "dsaudit", "Accept": PLAIN}
    if exposed.token_env:
        headers["Authorization"] = f"Bearer {from_environment(exposed.token_env).reveal()}"
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=exposed.wait_seconds) as client,
            client.stream("GET", address, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise NotExposed(f"the scrape was answered with {response.status_code}")
            answer = bytearray()
            for part in response.iter_bytes():
                answer += part
                if len(answer) > LARGEST:
                    raise NotExposed(f"more than {LARGEST // 1_000_000} MB are exposed")
        return answer.decode("utf-8")
    except httpx.TimeoutException:
        raise NotExposed(f"the scrape was not answered within {span(exposed.wait_seconds)}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotExposed(f"the scrape was not answered: {type(error).__name__}") from None
    except UnicodeDecodeError:
        raise NotExposed("what is exposed is not UTF-8") from None
