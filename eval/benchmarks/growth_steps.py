"""One step of the part `growth` in a process of its own, so that its memory is its own: `python -m ... STEP FOLDER`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from eval.benchmarks.growth_asked import Asked, ask
from eval.benchmarks.growth_index import Built, Place, imitate, ingest

Result = TypeVar("Result", bound=BaseModel)

STEPS: Mapping[str, Callable[[Place, int, int], Built | Asked]] = {
    "ingest": ingest,
    "imitate": imitate,
    "ask": ask,
}


def result_of(step: str, place: Place, passages: int, seed: int, model: type[Result]) -> Result:
    """What a step measured: as it was kept, if it is done, else by doing it.

    Raises:
        CalledProcessError: the step failed; what it said is on standard error.
    """
    file = place.folder / f"{step}.json"
    if not file.is_file():
        place.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", __name__, step, str(place.folder), str(passages), str(seed)], check=True
        )
    return model.model_validate_json(file.read_text(encoding="utf-8"))


def main(step: str, folder: str, passages: str, seed: str) -> None:
    """Do a step, and keep what it measured."""
    done = STEPS[step](Place(Path(folder)), int(passages), int(seed))
    (Path(folder) / f"{step}.json").write_text(done.model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
