"""What is taken for an answer of a provider's API, and what is a refusal, whatever its status says."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx

from dsaudit.source import paging
from dsaudit.source.paging import Answer, Request
from dsaudit.source.reading import SourceAbsent, SourceError, SourceRefused, strictly, value_at
from dsaudit.verdict.card import plural

# What GraphQL providers answer with status 200 where others answer 429, and where others answer 403.
THROTTLED = {"THROTTLED", "RATE_LIMITED"}
REFUSED = {"ACCESS_DENIED", "FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED"}


def shown(target: str) -> str:
    """Return an address without its query, which may hold a token or a cursor."""
    return target.split("?")[0]


def accepted(response: httpx.Response, content: bytes, target: str, most: int) -> Answer:
    """Return a response as the answer that was asked for, of `most` bytes at the most.

    Raises
    ------
    SourceError
        It refuses, or is something other than JSON.
    """
    where, status = shown(target), response.status_code
    if response.is_redirect:
        raise SourceError(f"{where}: answers with a redirect, which is not followed; correct the base_url")
    if status in (401, 403):
        raise SourceRefused(f"{where}: refused with {status}; token or scope is not accepted")
    if status != 200:
        raise (SourceAbsent if status in (404, 410) else SourceError)(f"{where}: answers {status}")
    if len(content) > most:
        raise SourceError(f"{where}: a page of more than {most} bytes; ask for smaller pages")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{where}: answers 200, but not with JSON in UTF-8") from None
    link = paging.next_link(response.links.values())
    return Answer(text, strictly(text, where), urljoin(target, link) if link else None, where)


def throttled(request: Request, answer: Answer) -> bool:
    """Return whether a GraphQL answer asks to come back later; any other error that it holds is raised."""
    errors = value_at(answer.body, "errors") if request.body else None
    if not errors:
        return False
    listed = errors if isinstance(errors, list) else [errors]
    codes = {str(value_at(one, "extensions.code") or value_at(one, "type") or "") for one in listed}
    if codes & THROTTLED:
        return True
    if refused := sorted(codes & REFUSED):
        raise SourceRefused(f"{answer.where}: refused with {refused[0]}; token or scope is not accepted")
    # The text of an error may quote what was asked with; its code is a plain word.
    known = ", ".join(sorted(code for code in codes if code.replace("_", "").isalnum())) or "no code"
    raise SourceError(f"{answer.where}: the answer holds {plural(len(listed), 'error')} ({known})")
