"""API keys: who may use a server, and for what. One small file holds them, and no key can be read out of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import InvalidInput, KeysUnreadable

# Makes a key recognisable, to people and to the programs that look for secrets in code.
TOKEN_PREFIX = "mrk_"
_TOKEN_BYTES = 32
_LOCK_SECONDS = 10
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Scope(IntEnum):
    """What a key is for. Each may also do what the ones before it may."""

    ASK = 1
    INGEST = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """As it is written on the command line and in the file."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. `digest` is the SHA-256 of the token in hexadecimal, `created` an ISO time in UTC."""

    name: str
    scope: Scope
    digest: str
    created: str


class KeyFile:
    """The keys in one file, which no other user of the machine may read. Threads and processes may share it.

    What another process adds or revokes holds from the next request on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def stored(self) -> tuple[Key, ...]:
        """All keys by name; none where there is no file.

        Raises:
            KeysUnreadable: there is a file, and it cannot be read. Who asks must not take that for "no keys".
        """
        with self._guard:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_size, status.st_ino)
                if seen != self._seen:
                    self._keys, self._seen = self._read(), seen
            except FileNotFoundError:
                self._keys, self._seen = (), None
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise KeysUnreadable(
                    f"The file of API keys, {self._path}, cannot be read. Mend or replace it; till then nobody gets in."
                ) from error
            return self._keys

    def match(self, token: str) -> Key | None:
        """The key whose token this is. Takes the same time whichever it is, and where it is none.

        Raises:
            KeysUnreadable: as `stored`.
        """
        digest = _digest(token)
        found = None
        for key in self.stored():
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def add(self, name: str, scope: Scope) -> str:
        """Make a key and return its token, which is kept nowhere: this is the only time that it can be seen.

        Raises:
            InvalidInput: the name is taken or cannot be used.
            KeysUnreadable: the file cannot be read or written.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"The name {name!r} cannot be used: take 1 to 64 letters, digits, dots, hyphens or underscores."
            )
        token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        with self._locked():
            keys = self.stored()
            if any(key.name == name for key in keys):
                raise InvalidInput(
                    f"There is a key named {name} already. Revoke it first, or take another name."
                )
            created = datetime.now(UTC).isoformat(timespec="seconds")
            self._write((*keys, Key(name, scope, _digest(token), created)))
        return token

    def revoke(self, name: str) -> None:
        """Remove a key; whoever holds it is kept out from the next request on.

        Raises:
            InvalidInput: there is no key of this name.
            KeysUnreadable: the file cannot be read or written.
        """
        with self._locked():
            keys = self.stored()
            if all(key.name != name for key in keys):
                known = ", ".join(key.name for key in keys) or "none"
                raise InvalidInput(f"There is no key named {name!r}. There are: {known}.")
            self._write(key for key in keys if key.name != name)

    def _read(self) -> tuple[Key, ...]:
        stored = json.loads(self._path.read_text(encoding="utf-8"))["keys"]
        keys = (Key(**(entry | {"scope": Scope[entry["scope"].upper()]})) for entry in stored)
        return tuple(sorted(keys, key=lambda key: key.name))

    def _write(self, keys: Iterable[Key]) -> None:
        """Replace the file as a whole. It is never readable to others, not even while it is written."""
        entries = [asdict(key) | {"scope": key.scope.label} for key in keys]
        partial = None
        try:
            # mkstemp makes files that only their owner may read.
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            partial = Path(name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"keys": entries}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            if partial is not None:
                partial.unlink(missing_ok=True)
            raise KeysUnreadable(
                f"The file of API keys, {self._path}, cannot be written: {error}."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands at a time must not lose one another's key."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._path.with_name(self._path.name + ".lock"), mode=0o600)
            lock.acquire(timeout=_LOCK_SECONDS)
        except (OSError, Timeout) as error:
            raise KeysUnreadable(
                f"The file of API keys, {self._path}, cannot be written: {error}."
            ) from error
        try:
            yield
        finally:
            lock.release()


def _digest(token: str) -> str:
    # One round of SHA-256 is enough: a token has 256 random bits, so there is nothing to guess, as there is with
    # passwords, that a slow hash would have to protect; and every request pays for the hash.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
