"""The part of a system that an audit is narrowed to: some resources, some tenants, what changed since, a sample."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

MOST_NAMED = 3  # names that a headline gives
_AGO = {"d": "days", "h": "hours", "m": "minutes"}


class PartError(Exception):
    """What was asked for is no part of the system; the message is one line."""


@dataclass(frozen=True)
class Part:
    """What is audited; by itself, everything.

    ``resources`` are read and judged with the ones whose records they stand in. ``since`` and ``sample`` choose single
    records: those that changed since then on either side, or so many of each resource drawn at random, by ``seed``.
    """

    resources: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    since: datetime | None = None
    sample: int = 0
    seed: int = 1

    @classmethod
    def given(
        cls, resources: Sequence[str] = (), tenants: Sequence[str] = (), since: str = "", sample: int = 0, seed: int = 1
    ) -> Part:
        """Return the part that was asked for in these words; `since` is a day, an instant, or such as ``7d``.

        Raises
        ------
        PartError
            `since` is no time in the past, or both ways of choosing records are asked for.
        """
        if since and sample:
            raise PartError("--since and --sample are two ways of choosing records: give one of them")
        # A name alone stands for a list of one.
        names, accounts = ([one] if isinstance(one, str) else one for one in (resources, tenants))
        return cls(tuple(names), tuple(accounts), _instant(since) if since else None, sample, seed)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Part:
        """Read back what `to_json` gave."""
        since = datetime.fromisoformat(record["since"]) if record["since"] else None
        return cls(tuple(record["resources"]), tuple(record["tenants"]), since, record["sample"], record["seed"])

    def to_json(self) -> dict[str, Any]:
        """Return the part as a record."""
        since = self.since.isoformat() if self.since else None
        return {**asdict(self), "resources": [*self.resources], "tenants": [*self.tenants], "since": since}

    @property
    def by_record(self) -> bool:
        """Whether single records are chosen, and not whole lists."""
        return bool(self.since or self.sample)

    @property
    def words(self) -> str:
        """The part in a few words, such as ``order and customer of acme, since 2026-11-01``; empty of a whole."""
        told = [self.words_of(self.resources, self.tenants)]
        told += [f"since {since_text(self.since)}"] if self.since else []
        told += [f"a sample of {self.sample:,} (seed {self.seed})"] if self.sample else []
        return ", ".join(one for one in told if one)

    @staticmethod
    def words_of(resources: Sequence[str], tenants: Sequence[str]) -> str:
        """Return which resources and tenants are meant, such as ``order and customer of acme``; of all, nothing."""
        named = _named(resources, "resources"), _named(tenants, "tenants")
        return " of ".join(one for one in named if one)


def narrowed(parameters: Parameters, part: Part) -> Parameters:
    """Return the parameters of a part alone: what is not in it is not read, not asked for and not judged.

    Raises
    ------
    PartError
        The file has no such resource or tenant, or cannot tell the part from the rest.
    """
    resources = _with_parents(parameters, part.resources)
    _refuse_unknown("--tenant", "tenant", part.tenants, [one.name for one in parameters.tenants])
    if part.by_record and parameters.source is None:
        raise PartError("--since and --sample narrow what is read from the source, and the parameter file names none")
    tenants = [one for one in parameters.tenants if not part.tenants or one.name in part.tenants]
    ends = [(one, {end.split(".")[0] for end in (one.child, one.parent)}) for one in parameters.relations]
    of_part = parameters.model_copy(
        update={
            "resources": {name: parameters.resources[name] for name in resources},
            "tenants": tenants,
            "relations": [one for one, names in ends if names <= set(resources)],
        }
    )
    of_part._part = replace(part, resources=tuple(resources) if part.resources else ())
    of_part._whole = parameters.whole
    return of_part


def since_text(since: datetime) -> str:
    """Return an instant in UTC as short as it can be said: of midnight the day alone."""
    at = since.astimezone(UTC)
    return f"{at:%Y-%m-%d}" if at.time() == datetime.min.time() else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _with_parents(parameters: Parameters, names: Sequence[str]) -> list[str]:
    """Return the resources of these names and those they are nested in, in the file's order; of no name, all."""
    _refuse_unknown("--resource", "resource", names, parameters.resources)
    wanted = set(names or parameters.resources)
    for name in tuple(wanted):
        nested = parameters.resources[name].nested
        while nested:
            wanted.add(nested.in_)
            nested = parameters.resources[nested.in_].nested
    return [name for name in parameters.resources if name in wanted]


def _refuse_unknown(option: str, what: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    for name in given:
        if name not in names:
            hint = did_you_mean(name, names, f"there are {', '.join(names) or 'none'}")
            raise PartError(f"{option} {name}: the parameter file has no such {what}; {hint}")


def _instant(given: str) -> datetime:
    """Return a day (its beginning in UTC), an instant, or so long ago: ``7d``, ``36h``, ``90m``.

    A replay asks for the instant as `since_text` says it.
    """
    now = datetime.now(UTC)
    ago = re.fullmatch(r"(\d{1,5})([dhm])", given)
    told = given.removesuffix(" UTC")
    try:
        at = now - timedelta(**{_AGO[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(told)
    except ValueError:
        raise PartError(f"--since {given}: written as a day such as 2026-11-01, an instant, or 7d, 36h, 90m") from None
    at = (at if at.tzinfo else at.replace(tzinfo=UTC)).replace(microsecond=0)
    if at > now:
        raise PartError(f"--since {given}: this is in the future; nothing has changed since then")
    return at


def _named(names: Sequence[str], many: str) -> str:
    if len(names) > MOST_NAMED:
        return f"{len(names)} {many}"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
