"""`python -m eval.benchmarks.peer MODULE:CLASS MODEL INDEX`: one contender that does what JSON lines ask for.

A line is `{"do": "search", "with": {"question": "..."}}`, the line that answers it
`{"value": ["a", "b"], "seconds": 0.012}`, or `{"error": "..."}`. The seconds are those of the work alone, without what
the lines cost.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer until standard input ends."""
    # What libraries print must not get between the lines.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    contender = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            contender = contender or _made(*sys.argv[1:])
            began = time.perf_counter()
            value = getattr(contender, asked["do"])(**asked["with"])
            answer = {"value": value, "seconds": time.perf_counter() - began}
        except Exception as error:  # whatever a library raises, the benchmark goes on without it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _made(name: str, model: str, index: str) -> Any:
    module, _, of = name.partition(":")
    return getattr(import_module(f"eval.benchmarks.peer.{module}"), of)(Path(model), Path(index))


if __name__ == "__main__":
    main()
