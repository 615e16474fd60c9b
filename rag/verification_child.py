"""The child process of `rag.verification`: settings come in on standard input, checks go out on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rag.errors import RagError
from rag.seal import Seal
from rag.settings import Settings
from rag.verify import Check, Index, verify
from rag.wiring import Application, build


def main() -> None:
    """One line of JSON for each check, as soon as it is done."""
    asked = json.loads(sys.stdin.read())
    settings = Settings(**asked["settings"], download_models=False)
    _tell(_files(settings))
    for check in _checks(build(settings), asked["with_model"]):
        _tell(check)


def _tell(check: Check) -> None:
    sys.stdout.write(json.dumps(asdict(check)) + "\n")
    sys.stdout.flush()


def _files(settings: Settings) -> Check:
    altered = Seal(settings.data_dir).altered()
    if altered:
        named = ", ".join(altered)
        return Check("files", False, f"{named}: not as written. Run `mission-record rebuild`.")
    return Check("files", True, "the files of the vectors' graph are as they were written")


def _checks(application: Application, with_model: bool) -> Iterator[Check]:
    index = Index(application.catalog, application.vectors)
    if with_model:
        try:
            index = Index(
                application.catalog, application.vectors, application.fingerprint, application.embedder
            )
        except RagError as error:  # all the rest can be checked without
            yield Check("embedding model", False, str(error))
    yield from verify(index)


if __name__ == "__main__":
    main()
