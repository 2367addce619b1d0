"""Start a sync of a shop, and connect one: its scopes and its webhooks."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.db import async_session_factory
from app.services.shopify.oauth_service import integration_of, shopify_oauth_service
from app.services.shopify.sync_service import RESOURCES, sync_shop

running = 0


async def start_sync(request: Request) -> Response:
    """{"shop": domain, "resources": [...] or null} -> figures per resource; 502 if one of them failed."""
    global running
    asked = await request.json()
    resources = asked.get("resources")
    unknown = sorted(set(resources or ()) - RESOURCES.keys())
    if unknown:
        error = f"no such resource: {', '.join(unknown)}; there are: {', '.join(RESOURCES)}"
        return JSONResponse({"error": error}, 422)
    async with async_session_factory() as session:
        integration = await integration_of(session, asked.get("shop"))
        if integration is None:
            return JSONResponse({"error": "unknown shop"}, 404)
        running += 1
        try:
            results = await sync_shop(session, integration.id, resources)
        finally:
            running -= 1
    failed = {name: stats["error"] for name, stats in results.items() if "error" in stats}
    return JSONResponse({"shop": asked["shop"], "failed": failed, "resources": results}, 502 if failed else 200)


async def register(request: Request) -> Response:
    """{"shop": domain} -> what became of each topic, as kept in the integration record."""
    asked = await request.json()
    async with async_session_factory() as session:
        integration = await integration_of(session, asked.get("shop"))
        if integration is None:
            return JSONResponse({"error": "unknown shop"}, 404)
        return JSONResponse(await shopify_oauth_service.connect(session, integration))
