"""The address to serve on: taken before anything is built, or refused with what to do."""

from __future__ import annotations

import socket

import pytest

from rag.errors import AddressInUse
from rag.serving import listen, url


def test_a_free_port_is_taken_and_named() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_address_of_six_is_written_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        with listen("::1", 0) as listener:
            assert url(listener).startswith("http://[::1]:")
    except AddressInUse as error:
        pytest.skip(f"this machine has no IPv6 address: {error}")


def test_a_port_is_taken_from_the_moment_on_that_it_is_asked_for() -> None:
    """Building an index can take long; a second server must not find out only afterwards."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with (
            pytest.raises(AddressInUse, match=f"Cannot listen on 127.0.0.1:{port}: .*--port"),
            listen("127.0.0.1", port),
        ):
            pass
    with listen("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize("host", ["192.0.2.1", "999.1.1.1", "::zz", "no such host"])
def test_an_address_that_is_not_of_this_machine(host: str) -> None:
    with pytest.raises(AddressInUse, match="--host"), listen(host, 0):
        pass
