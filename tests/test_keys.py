"""API keys in their file: seen once, kept as hashes, and revoked at once."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.errors import InvalidInput, KeysUnreadable
from rag.keys import KeyFile, Scope


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.json"


def test_a_key_is_known_by_its_token_alone(file: Path) -> None:
    keys = KeyFile(file)
    ada, ines = keys.add("ada", Scope.ASK), keys.add("ines", Scope.ADMIN)
    assert ada != ines
    found = keys.match(ada)
    assert found is not None
    assert (found.name, found.scope) == ("ada", Scope.ASK)
    for other in ("", "ada", ada[:-1], ada + "x", ada.upper(), found.digest, "é" * 40, "\udcff"):
        assert keys.match(other) is None


def test_no_token_can_be_read_out_of_the_file(file: Path) -> None:
    token = KeyFile(file).add("ada", Scope.INGEST)
    content = file.read_text()
    assert token not in content
    assert token.removeprefix("mrk_") not in content
    assert json.loads(content)["keys"][0]["scope"] == "ingest"


def test_only_its_owner_may_read_the_file(file: Path) -> None:
    keys = KeyFile(file)
    keys.add("ada", Scope.ASK)
    keys.add("ines", Scope.ASK)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in file.parent.iterdir()} <= {"keys.json", "keys.json.lock"}


def test_what_another_process_does_holds_at_once(file: Path) -> None:
    server, command = KeyFile(file), KeyFile(file)
    assert server.stored() == ()
    token = command.add("ada", Scope.ASK)
    assert server.match(token) is not None
    command.revoke("ada")
    assert server.match(token) is None
    assert server.stored() == ()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "é", "a\n", '"'])
def test_a_name_that_could_not_stand_in_a_log_is_refused(file: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        KeyFile(file).add(name, Scope.ASK)
    assert not file.exists()


def test_a_name_is_given_once_and_revoked_once(file: Path) -> None:
    keys = KeyFile(file)
    keys.add("ada", Scope.ASK)
    with pytest.raises(InvalidInput, match="Revoke it first"):
        keys.add("ada", Scope.ADMIN)
    keys.revoke("ada")
    with pytest.raises(InvalidInput, match="There are: none"):
        keys.revoke("ada")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"keys": [{}]}', b'{"keys": [{"name": "a", "scope": "x"}]}', b"\xff"],
)
def test_a_file_that_cannot_be_read_is_not_taken_for_no_keys(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(KeysUnreadable, match=str(file)):
        KeyFile(file).stored()
    with pytest.raises(KeysUnreadable):
        KeyFile(file).add("ada", Scope.ASK)
    assert file.read_bytes() == content


def test_keys_made_at_the_same_time_are_all_there(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda number: KeyFile(file).add(f"key-{number}", Scope.ASK), range(16)))
    keys = KeyFile(file)
    assert len({key.name for token in tokens if (key := keys.match(token))}) == 16
