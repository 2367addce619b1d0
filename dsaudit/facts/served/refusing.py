"""How the API refuses: what is asked of each path that has to be refused, and what makes two refusals alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dsaudit.facts.served.asking import Heard, Token
from dsaudit.facts.served.looking import Part, Served
from dsaudit.facts.served.rows import absent_key, malformed_key
from dsaudit.parameters.apis import ErrorForm
from dsaudit.source.reading import value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Path:
    """A path of the file with what has to be filled in: as the file has it, filled, and the column of the id in it."""

    name: str
    path: str
    column: str | None

    def of(self, key: str) -> str:
        """Return the path of another id."""
        start, _, rest = self.name.partition("{")
        return f"{start}{quote(key, safe='')}{rest.partition('}')[2]}" if rest else self.name


@dataclass(frozen=True)
class Case:
    """What is asked that has to be refused: in words, how, and with which of the declared statuses."""

    words: str
    path: str
    headers: Mapping[str, str]
    statuses: tuple[int, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    token: Token = "right"

    def ask(self, served: Served) -> Heard:
        """Ask it; raises `SourceError` where there is no answer."""
        return served.api.heard(self.path, self.headers, self.query, self.token)


def paths_of(part: Part) -> list[Path]:
    """Return the paths of an endpoint, filled for a row that is there; none where there is no row."""
    endpoint, found = part.endpoint, []
    if not endpoint.within:
        found.append(Path(endpoint.list_, endpoint.list_, None))
    elif part.parents:
        found.append(Path(endpoint.list_, endpoint.list_of(quote(part.parents[0], safe="")), endpoint.within))
    if endpoint.one and part.rows:
        key = next(iter(part.rows))
        found.append(Path(endpoint.one, endpoint.one.replace("{id}", quote(key, safe="")), endpoint.key_column))
    return found


def is_answered(served: Served, part: Part, path: Path) -> bool:
    """Return whether a path is answered as the file says, where all is right: else no refusal means anything."""
    heard = served.api.heard(path.path, part.owner.headers)
    found = served.api.record_in(heard) if path.name == part.endpoint.one else served.api.records_in(heard)
    return found is not None


def cases(audit: Audit, served: Served, part: Part, path: Path) -> Iterator[Case]:
    """Yield what has to be refused at a path."""
    apis, headers = served.api.apis, part.owner.headers
    form = apis.error
    assert form is not None  # the check is not planned otherwise
    for name in headers:
        rest = {one: value for one, value in headers.items() if one != name}
        yield Case(f"without {name}", path.path, rest, tuple(form.tenancy))
    if len(headers) > 1:
        yield Case("without the headers of the tenancy", path.path, {}, tuple(form.tenancy))
    if apis.token_env:
        yield Case("without a token", path.path, headers, tuple(form.token), token="none")
        yield Case("with a wrong token", path.path, headers, tuple(form.token), token="wrong")
    if path.column:
        if key := absent_key(audit, part.endpoint, path.column):
            yield Case("an id that is not there", path.of(key), headers, tuple(form.absent))
        if key := malformed_key(audit, part.endpoint, path.column):
            yield Case("a malformed id", path.of(key), headers, tuple(form.malformed))
    if path.name == part.endpoint.list_:
        yield from _queries(audit, served, part, path, form)


def _queries(audit: Audit, served: Served, part: Part, path: Path, form: ErrorForm) -> Iterator[Case]:
    paging, headers = served.api.apis.paging, part.owner.headers
    if paging.style in ("page", "offset") and not paging.clause:
        query = {paging.parameter: "no-number"}
        yield Case(f"a malformed {paging.parameter}", path.path, headers, tuple(form.malformed), query)
    for name, column in part.endpoint.filters.items():
        if value := malformed_key(audit, part.endpoint, column):
            yield Case(f"a malformed {name}", path.path, headers, tuple(form.malformed), {name: value})


def has_form(heard: Heard, form: ErrorForm) -> bool:
    """Return whether an answer has the declared form of a refusal, with something in each of its fields."""
    found = value_at(heard.body, form.at)
    return isinstance(found, dict) and all(found.get(name) not in (None, "") for name in form.fields)


def is_alike(heard: Heard, key: str, absent: list[tuple[str, Heard]]) -> bool:
    """Return whether an id is answered as those that are not there, but for the id itself and for what always changes.

    Of two ids that are not there the answers differ in what changes with each, such as the number of a request.
    """
    known, leaves = [_leaves(one.body, own) for own, one in absent], _leaves(heard.body, key)
    shapes = {frozenset(one) for one in known}
    if heard.status not in {one.status for _, one in absent} or (len(shapes) == 1 and frozenset(leaves) not in shapes):
        return False
    steady = {path: value for path, value in known[0].items() if all(one.get(path) == value for one in known)}
    return all(leaves.get(path) == value for path, value in steady.items())


def _leaves(body: Any, key: str, path: str = "") -> dict[str, str]:
    """Return what stands in a body by its place; the id that was asked for is no difference."""
    if isinstance(body, dict):
        return {at: one for name, value in body.items() for at, one in _leaves(value, key, f"{path}.{name}").items()}
    if isinstance(body, list):
        return {
            at: one for place, value in enumerate(body) for at, one in _leaves(value, key, f"{path}.{place}").items()
        }
    return {path: str(body).replace(key, "{id}")}
