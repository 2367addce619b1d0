"""A client handed to the service where it is made; one loop for all resources, counted in rows."""

import logging

import httpx


class Base:
    def __init__(self, http, logger=None):
        self._http = http
        self._logger = logger or logging.getLogger(__name__)

    async def pages(self, resource):
        start = 1
        while True:
            query = f"select * from {resource} startposition {start} maxresults 1000"
            result = await self._http.get("/query", params={"query": query})
            rows = result.json()["QueryResponse"].get(resource, [])
            yield rows
            if len(rows) < 1000:
                return
            start += 1000


class Books(Base):
    async def fetch_and_ingest_faal_invoices(self):
        await self._run("Invoice")

    async def _run(self, resource):
        count = 0
        async for rows in self.pages(resource):
            for row in rows:
                await self.store(row)
                count += 1
        self._logger.info("done %s", count)


def make():
    return Books(httpx.AsyncClient(base_url="https://books.example"))
