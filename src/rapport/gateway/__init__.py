"""The small public web service: the provider's and visitors' events, and what people want. It only inserts."""

from rapport.clock import Clock
from rapport.gateway.app import create_app
from rapport.gateway.opt_in import erase_addresses
from rapport.settings import Settings

__all__ = ["create_app", "erase_addresses", "serve"]

GRACE_SECONDS = 10


def serve(settings: Settings, clock: Clock, *, host: str = "127.0.0.1", port: int = 8090) -> None:
    """Serves until SIGINT or SIGTERM. There is no access log: an unsubscribe token is nobody's business."""
    import uvicorn

    uvicorn.run(
        create_app(settings, clock),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
