"""`python -m tests.faults`: harms records in every way that is known here, and says how often and what came of it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Imported here, so that the processes that are forked have everything.
import chromadb
import chromadb.api.rust  # noqa: F401

import rag.formats.parser
import rag.ingest
import rag.retrieve  # noqa: F401
from tests.faults.damage import damage
from tests.faults.kills import kill
from tests.faults.surroundings import Surroundings


def _surround(folder: Path, rounds: int, seed: int) -> Counter[str]:
    surroundings = Surroundings(folder, seed)
    for _ in range(rounds):
        surroundings.round()
    return surroundings.counts


def main() -> None:
    """Exit 1 at the first thing that does not hold; the folder that shows it is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="processes to kill")
    parser.add_argument("--damages", type=int, default=63, help="files to damage")
    parser.add_argument(
        "--surroundings", type=int, default=5, help="rounds of full disks, jumping clocks ..."
    )
    parser.add_argument("--seed", type=int, default=1, help="another one harms elsewhere")
    asked = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    for name, do, rounds in (
        ("kills", kill, asked.rounds),
        ("damage", damage, asked.damages),
        ("surroundings", _surround, asked.surroundings),
    ):
        if not rounds:
            continue
        (folder / name).mkdir()
        try:
            counts = do(folder / name, rounds, asked.seed)
        except AssertionError:
            print(f"What shows it is in {folder}", file=sys.stderr)
            raise
        print(json.dumps({name: rounds, **dict(sorted(counts.items()))}, indent=1), flush=True)
    shutil.rmtree(folder)
    print(f"Nothing was lost. {time.monotonic() - began:.0f} seconds, seed {asked.seed}.")


if __name__ == "__main__":
    main()
