"""What is the same wherever something is measured in processes of their own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def meanwhile(work: Callable[[threading.Event], None], at_once: int = 1) -> Iterator[None]:
    """`work` goes on in so many threads until the block is left; it gets an event, and ends when that is set.

    What it raises is raised when the block has been left.
    """
    over = threading.Event()
    with ThreadPoolExecutor(at_once) as threads:
        going_on = [threads.submit(work, over) for _ in range(at_once)]
        try:
            yield
        finally:
            over.set()
    for each in going_on:
        each.result()


def without_settings() -> dict[str, str]:
    """The environment as it is, without settings of the program, which would make another measurement of it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
