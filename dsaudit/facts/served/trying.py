"""Tries what the file says of the system's own API: whether it answers, refuses a stranger, and takes the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from dsaudit.facts.served.asking import Api
from dsaudit.parameters import Parameters
from dsaudit.source.reading import SourceError
from dsaudit.verdict.card import plural

Way = tuple[tuple[str, ...], bool | None, str]  # where it stands in the file, whether it is open, in words
REFUSED = (401, 403)


def ways(parameters: Parameters) -> Iterator[Way]:
    """Yield whether the API can be asked: its first list is, without a tenant, and without and with the token."""
    apis = parameters.apis
    if apis is None:
        return
    address = ("apis", "url_env" if apis.url_env else "url")
    first = apis.endpoints[0]
    path = first.list_of("any")
    try:
        api = Api(parameters)
    except SourceError as error:
        yield ("apis",), False, str(error)
        return
    try:
        with closing(api):
            status = api.heard(path, {}, token="none").status
            with_token = api.heard(path, {}).status if apis.token_env else None
    except SourceError as error:
        yield address, False, f"the API does not answer: {error}"
        return
    told = f"{first.name} answers {status} to who has neither token nor tenant"
    if with_token in REFUSED and not (apis.error and with_token in apis.error.tenancy):
        yield ("apis", "token_env"), False, f"{first.name} answers {with_token} to the token; is it the right one?"
    elif status == 404:
        yield ("apis", "path"), False, f"{told}; is the path right?"
    elif status >= 500 or 300 <= status < 400:
        yield address, False, told
    else:
        doubt = "" if status >= 400 or not (apis.token_env or apis.headers) else ", which the audit judges"
        yield ("apis",), True, f"{plural(len(apis.endpoints), 'endpoint')}; {told}{doubt}"
