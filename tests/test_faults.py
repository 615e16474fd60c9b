"""A few rounds of `python -m tests.faults`, which harms records for hours; see there for what is harmed and how."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_nothing_is_lost() -> None:
    # In a process of its own: this one has threads, and could not be forked.
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--rounds", "12", "--damages", "1", "--surroundings", "0"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing was lost." in done.stdout
