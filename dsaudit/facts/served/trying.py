"""Tries what the file says of the system's own API: whether its first list answers, and that it refuses a stranger."""

from __future__ import annotations

from collections.abc import Iterator

from dsaudit.facts.served.asking import Api
from dsaudit.parameters import Parameters
from dsaudit.source.reading import SourceError
from dsaudit.verdict.card import plural

Way = tuple[tuple[str, ...], bool | None, str]  # where it stands in the file, whether it is open, in words


def ways(parameters: Parameters) -> Iterator[Way]:
    """Yield whether the API answers, asked once without a token and without a tenant."""
    apis = parameters.apis
    if apis is None:
        return
    first = apis.endpoints[0]
    address = ("apis", "url_env" if apis.url_env else "url")
    try:
        api = Api(parameters)
    except SourceError as error:
        yield ("apis",), False, str(error)
        return
    try:
        status = api.heard(first.list_of("any"), {}, token="none").status
    except SourceError as error:
        yield address, False, f"the API does not answer: {error}"
        return
    finally:
        api.close()
    told = f"{first.name} answers {status} to who has neither token nor tenant"
    if status == 404:
        yield ("apis", "path"), False, f"{told}; is the path right?"
    elif status >= 500 or 300 <= status < 400:
        yield address, False, told
    else:
        doubt = "" if status >= 400 or not (apis.token_env or apis.headers) else ", which the audit judges"
        yield ("apis",), True, f"{plural(len(apis.endpoints), 'endpoint')}; {told}{doubt}"
