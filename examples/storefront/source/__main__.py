"""Runs the provider until it is told to stop: `python -m examples.storefront.source --data FILE.sqlite`."""

import json
import socket
import sys

import uvicorn

from .application import build
from .provider import Provider
from .settings import from_command_line


class AnnouncingServer(uvicorn.Server):
    """Prints one line of JSON once requests are answered, so that whoever started it need not poll."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "port": port}), flush=True)


def main() -> int:
    settings = from_command_line()
    provider = Provider(settings)
    application = build(provider, lambda: setattr(server, "should_exit", True))
    server = AnnouncingServer(
        uvicorn.Config(
            application,
            host="127.0.0.1",
            port=settings.port,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,  # the application tells the time itself
            timeout_graceful_shutdown=1,
        )
    )
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
