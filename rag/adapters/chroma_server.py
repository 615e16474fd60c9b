"""The vector store on a Chroma server (`chroma run`), which several processes can share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import urlsplit

from rag.adapters.chroma import ChromaVectorStore
from rag.errors import IndexCorrupt, VectorsUnreachable

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

    from rag.settings import ChromaSettings

PORTS = {"http": 8000, "https": 443}


class ChromaServerVectorStore(ChromaVectorStore):
    """`rag.ports.VectorStore` on a server.

    Collections carry the namespace in their names: those of other records on the same server are neither seen nor
    touched. Each method raises `VectorsUnreachable` while the server does not answer in the time that is set.
    """

    def __init__(self, server: ChromaSettings) -> None:
        super().__init__(Path())
        self._server = server
        self._known: dict[str, Collection] = {}

    def delete(self, collection: str) -> None:
        """Remove the collection; one that is not there is no error."""
        self._known.pop(collection, None)
        super().delete(collection)

    def close(self) -> None:
        """Let go of the connection."""
        self._known.clear()
        if self._client is not None:
            # Chroma leaves its connections to the garbage collector.
            for session in _sessions(self._client):
                session.close()
        super().close()

    def _get(self, collection: str) -> Collection:
        # Asking for a collection is a request of its own; its id never changes, since a name is used once.
        if collection not in self._known:
            self._known[collection] = super()._get(collection)
        return self._known[collection]

    def _full(self, collection: str) -> str:
        return f"{self._server.namespace}.{collection}"

    def _open_engine(self) -> None:
        """The engine is the server's."""

    def _connect(self) -> Client:
        import chromadb
        import httpx
        from chromadb.config import Settings

        server = self._server
        address = urlsplit(server.url)
        headers = {server.token_header: server.token.get_secret_value()} if server.token else {}
        # Chroma's own client waits for ever for a server that takes the connection and says nothing.
        checked = ssl.create_default_context(cafile=str(server.ca_file)) if server.ca_file else True
        httpx.get(
            f"{address.scheme}://{address.netloc}/api/v2/heartbeat",
            headers=headers,
            timeout=server.seconds,
            verify=checked,
        ).raise_for_status()
        client = cast(
            "Client",
            chromadb.HttpClient(
                host=address.hostname or "",
                port=address.port or PORTS[address.scheme],
                ssl=address.scheme == "https",
                headers=headers,
                settings=Settings(
                    anonymized_telemetry=False,
                    chroma_server_ssl_verify=str(server.ca_file) if server.ca_file else None,
                ),
                tenant=server.tenant,
                database=server.database,
            ),
        )
        for session in _sessions(client):
            session.timeout = httpx.Timeout(server.seconds)
        return client

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import ChromaError, InternalError, NotFoundError

        try:
            yield
        except NotFoundError as error:
            self._known.clear()
            raise IndexCorrupt(
                f"The Chroma server lacks a collection of this record ({error}). Run `mission-record rebuild`."
            ) from error
        except (httpx.HTTPError, InternalError, OSError) as error:
            raise VectorsUnreachable(
                f"The Chroma server of RAG_CHROMA__URL does not answer ({type(error).__name__}). Try again shortly."
            ) from error
        except (ChromaError, ValueError) as error:
            raise IndexCorrupt(
                f"The Chroma server refuses what is asked of it ({type(error).__name__}: {error})."
                " See that its version fits this program's chromadb, and run `mission-record rebuild`."
            ) from error

    def _sweep_folders(self) -> None:
        """The folders are the server's."""

    def _forget_graphs(self) -> None:
        """So are the graphs."""

    def _clear(self) -> NoReturn:
        raise IndexCorrupt("The Chroma server cannot list its collections. See its log.")


def _sessions(client: Client) -> tuple[httpx.Client, ...]:
    """The connections of a client: its own, and those with which it looked up tenant and database."""
    servers: tuple[Any, ...] = (client._server, cast("Any", client._admin_client)._server)
    return tuple(server._session for server in servers)
