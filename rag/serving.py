"""One process, one port, under uvicorn."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rag.errors import AddressInUse, OpenToAll
from rag.keys import KeyFile
from rag.logs import configure
from rag.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address; port 0 takes a free one.

    Raises:
        AddressInUse: another program has the port, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # From now on nobody else gets the port: bound alone, it could be bound again. Who calls meanwhile waits.
            listener.listen()
        except OSError as error:
            raise AddressInUse(
                f"Cannot listen on {host}:{port}: {error.strerror or error}. Give another --port or --host."
            ) from error
        yield listener


def require_guarded(settings: Settings) -> str | None:
    """A warning where the settings let strangers in; None where they do not.

    Raises:
        OpenToAll: they would, and do not say that they mean to.
    """
    if settings.is_local or KeyFile(settings.keys_file).stored():
        return None
    place = settings.allowed_hosts or settings.host
    if not settings.allow_open:
        raise OpenToAll(
            f"At {place} others than this machine could read the record and change it: there is no API key. "
            "Make one with `mission-record keys add NAME --scope ask`, or set RAG_ALLOW_OPEN=true if that is meant."
        )
    return (
        f"Everybody who can reach {place} may read the record and change it: there is no API key, and "
        "RAG_ALLOW_OPEN is set."
    )


def server(app: FastAPI, trusted_proxies: str = "127.0.0.1") -> uvicorn.Server:
    """The server of an application; when it is told to stop, what is under way is finished first."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # Open chat windows hold streams that never end by themselves.
            end_streams = getattr(app.state, "end_streams", None)
            if end_streams is not None:
                end_streams()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app,
        # The faster parser, httptools, would keep a head of a request in memory however long it is.
        http="h11",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=30,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
    )
    return Server(config)


def serve_forever(
    app: FastAPI, listener: socket.socket, settings: Settings, close: Callable[[], None]
) -> None:
    """Serve until interrupted or terminated, with a log on standard error; at the end, `close`."""
    configure(settings.log_level)
    # uvicorn stops in good order and then has the signal end the process, as if nothing were left to do.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        server(app, settings.trusted_proxies).run(sockets=[listener])
    finally:
        close()
        logger.info("stopped")


def url(listener: socket.socket) -> str:
    """Where a browser on this machine finds the server."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
