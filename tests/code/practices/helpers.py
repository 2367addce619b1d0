"""Helpers of the functions in this folder, in a module of their own."""

from functools import wraps


async def fetch_everything(client, url):
    found = []
    while url is not None:
        response = await client.get(url)
        body = response.json()
        found += body["items"]
        url = next_of(body)
    return found


def next_of(body):
    return body.get("links", {}).get("next")


async def follow_links(ask, url):
    while url:
        answer = await ask(url)
        yield answer.json()
        url = answer.links.get("next")


class LinkPages:
    def __init__(self, client, url):
        self.client = client
        self.url = url

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.url is None:
            raise StopAsyncIteration
        response = await self.client.get(self.url)
        self.url = response.links.get("next")
        return response.json()


def fully_paged(function):
    @wraps(function)
    async def every_page(service):
        cursor = None
        while True:
            page = await function(service, cursor=cursor)
            await service.store(page["items"])
            cursor = page.get("next")
            if not cursor:
                break

    return every_page
