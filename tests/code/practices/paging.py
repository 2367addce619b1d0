"""Sync functions that page and that do not; the first word after `fetch_and_ingest_` is what the reading has to say."""

import asyncio
import itertools

import httpx
from elsewhere import ResourceReader, paginated_by_them

from .helpers import LinkPages, fetch_everything, follow_links, fully_paged


class Sync:
    def __init__(self, shop: str, reader) -> None:
        self.client = httpx.AsyncClient(base_url=f"https://{shop}")
        self.reader = reader

    async def _get(self, path: str, **params: str) -> dict:
        response = await self.client.get(path, params=params)
        return response.json()

    async def _pages(self, path: str):
        """An async generator two calls away from the request."""
        cursor = None
        while True:
            page = await self._get(path, cursor=cursor)
            yield page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def _keep(self, items: list) -> None:
        await self.store(items)

    # --- found

    async def fetch_and_ingest_found_next_link_in_a_while_loop(self) -> None:
        url = "/orders"
        while url:
            response = await self.client.get(url)
            await self._keep(response.json()["orders"])
            url = response.links.get("next", {}).get("url")

    async def fetch_and_ingest_found_async_generator_of_a_method(self) -> None:
        async for items in self._pages("/orders"):
            await self._keep(items)

    async def fetch_and_ingest_found_counter_until_empty(self) -> None:
        page = 1
        while True:
            items = await self._get("/orders", page=str(page))
            if not items:
                break
            await self._keep(items)
            page += 1

    async def fetch_and_ingest_found_count_in_a_for_loop(self) -> None:
        for page in itertools.count(1):
            params = {"page": page}
            response = await self.client.get("/orders", params=params)
            items = response.json()
            if not items:
                return
            await self._keep(items)

    async def fetch_and_ingest_found_offset(self) -> None:
        offset, found = 0, True
        while found:
            found = await self._get("/orders", offset=str(offset))
            await self._keep(found)
            offset += len(found)

    async def fetch_and_ingest_found_walrus(self) -> None:
        cursor = ""
        while page := await self._get("/orders", after=cursor):
            await self._keep(page["items"])
            cursor = page["end"]

    async def fetch_and_ingest_found_request_inside_a_with(self) -> None:
        url = "/orders"
        while url:
            async with self.client.stream("GET", url) as response:
                body = await response.aread()
            await self._keep(body)
            url = response.links.get("next")

    async def fetch_and_ingest_found_retries_inside_the_loop(self) -> None:
        url = "/orders"
        while url:
            for _ in range(3):
                try:
                    response = await self.client.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(1)
            await self._keep(response.json())
            url = response.headers.get("x-next")

    async def fetch_and_ingest_found_recursion(self) -> None:
        await self._from("/orders")

    async def _from(self, url: str) -> list:
        page = await self._get(url)
        await self._keep(page["items"])
        if page.get("next"):
            return await self._from(page["next"])
        return []

    async def fetch_and_ingest_found_imported_helper(self) -> None:
        for item in await fetch_everything(self.client, "/orders"):
            await self._keep([item])

    async def fetch_and_ingest_found_callback(self) -> None:
        async for items in follow_links(lambda url: self.client.get(url), "/orders"):
            await self._keep(items)

    async def fetch_and_ingest_found_iterator_class(self) -> None:
        async for items in LinkPages(self.client, "/orders"):
            await self._keep(items)

    @fully_paged
    async def fetch_and_ingest_found_decorator(self, cursor=None):
        response = await self.client.get("/orders", params={"cursor": cursor})
        return response.json()

    async def fetch_and_ingest_found_pages_counted_by_the_first_answer(self) -> None:
        first = await self._get("/orders")
        await self._keep(first["items"])
        for page in range(2, first["total_pages"] + 1):
            following = await self._get("/orders", page=str(page))
            await self._keep(following["items"])

    async def fetch_and_ingest_found_pages_at_once(self) -> None:
        first = await self._get("/orders")
        pages = await asyncio.gather(*(self._get("/orders", page=str(page)) for page in range(2, first["pages"] + 1)))
        await self._keep([first, *pages])

    async def fetch_and_ingest_found_position_kept_in_the_object(self) -> None:
        self.position = None
        while items := await self._next_items():
            await self._keep(items)

    async def _next_items(self) -> list:
        response = await self.client.get("/orders", params={"after": self.position})
        self.position = response.json()["end"]
        return response.json()["items"]

    async def fetch_and_ingest_found_children_of_paged_parents(self) -> None:
        async for payouts in self._pages("/payouts"):
            for payout in payouts:
                async for items in self._pages(f"/payouts/{payout['id']}/transactions"):
                    await self._keep(items)

    # --- absent

    async def fetch_and_ingest_absent_one_request(self) -> None:
        """Walks the pagination cursor: while next_page: get(next_page)."""
        # pagination: loops over page_info until there is no next link
        note = "while True: cursor = page['next']"
        await self._keep([note, await self._get("/orders")])

    async def fetch_and_ingest_absent_only_retries(self) -> None:
        for _attempt in range(5):
            response = await self.client.get("/orders")
            if response.status_code == 200:
                await self._keep(response.json())
                return

    async def fetch_and_ingest_absent_retries_with_the_attempt_in_the_timeout(self) -> None:
        for attempt in range(5):
            response = await self.client.get("/orders", timeout=10 * attempt)
            if response.json():
                await self._keep(response.json())
                return

    async def fetch_and_ingest_absent_one_request_for_each_child(self) -> None:
        orders = await self._get("/orders")
        for order in orders["items"]:
            response = await self._get(f"/orders/{order['id']}/refunds")
            await self._keep(response["items"])

    async def fetch_and_ingest_absent_the_same_name_for_two_answers(self) -> None:
        for shop in ("one", "two"):
            response = await self.client.get(f"/{shop}/orders")
            for order in response.json():
                response = await self.client.get(f"/orders/{order['id']}")
                await self._keep(response.json())

    async def fetch_and_ingest_absent_one_request_for_each_shop(self) -> None:
        for shop in ("one", "two"):
            await self._keep(await self._get(f"/{shop}/orders"))

    async def fetch_and_ingest_absent_a_fixed_number_of_pages(self) -> None:
        for page in range(1, 4):
            items = await self._get("/orders", page=str(page))
            await self._keep(items)

    async def fetch_and_ingest_absent_polling_a_job(self) -> None:
        job = await self._get("/exports")
        while job["state"] != "done":
            await asyncio.sleep(1)
            job = await self._get(f"/exports/{job['id']}")
        await self._keep(job["items"])

    async def fetch_and_ingest_absent_following_a_redirection(self) -> None:
        url = "/orders"
        for _ in range(3):
            response = await self.client.get(url)
            await self._keep(response.json())
            url = response.headers["Location"]

    async def fetch_and_ingest_absent_loop_over_one_answer(self) -> None:
        page = await self._get("/orders")
        while page["items"]:
            await self._keep(page["items"].pop())

    async def fetch_and_ingest_absent_recursion_that_retries(self, attempt: int = 0) -> None:
        response = await self.client.get("/orders")
        if response.status_code >= 500:
            await self.fetch_and_ingest_absent_recursion_that_retries(attempt + 1)
        await self._keep(response.json())

    async def fetch_and_ingest_absent_recursion_down_a_tree(self) -> None:
        await self._branch("/root")

    async def _branch(self, url: str) -> None:
        node = await self._get(url)
        for child in node["children"]:
            await self._branch(child["url"])

    async def fetch_and_ingest_absent_parents_read_once_and_children_paged(self) -> None:
        payouts = await self._get("/payouts")
        for payout in payouts["items"]:
            async for items in self._pages(f"/payouts/{payout['id']}/transactions"):
                await self._keep(items)

    async def fetch_and_ingest_absent_dead_code(self) -> None:
        await self._keep(await self._get("/orders"))
        if False:
            async for items in self._pages("/orders"):
                await self._keep(items)
        return
        async for items in self._pages("/orders"):
            await self._keep(items)

    async def fetch_and_ingest_absent_helper_that_is_never_called(self) -> None:
        async def pages():
            async for items in self._pages("/orders"):
                yield items

        await self._keep(await self._get("/orders"))

    async def fetch_and_ingest_absent_paged_by_a_sibling_only(self) -> None:
        await self._keep(await self._get("/orders"))
        await self.fetch_and_ingest_found_offset()

    # --- unresolved

    async def fetch_and_ingest_unresolved_reader_from_elsewhere(self) -> None:
        async for items in ResourceReader("/orders").read():
            await self._keep(items)

    @paginated_by_them
    async def fetch_and_ingest_unresolved_decorator_from_elsewhere(self) -> None:
        await self._keep(await self._get("/orders"))

    async def fetch_and_ingest_unresolved_computed_name(self, name: str) -> None:
        items = await getattr(self.reader, name)("/orders")
        await self._keep(items)

    async def fetch_and_ingest_unresolved_client_that_was_handed_in(self, client) -> None:
        await self._keep(await client.get("/orders"))
