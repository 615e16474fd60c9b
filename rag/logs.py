"""The log: one JSON object a line, so that nothing that somebody sends can begin a line of its own.

Which request a line belongs to follows the work into its threads. Questions are not written down unless that is set.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from rag.admission import Outcome

# The request that is being answered, for every line that is written meanwhile.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

logger = logging.getLogger(__name__)

# Whatever else a record has was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON in ASCII: all control characters and line ends are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Write the log of this process to standard error; of libraries only what is at least a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for package in ("rag", "ui"):
        logging.getLogger(package).setLevel(level.upper())
    logging.captureWarnings(True)


def log_outcome(outcome: Outcome, with_text: bool) -> None:
    """A line for what became of a question or search, and one for each stage that it went through."""
    told = {"kind": outcome.kind, "outcome": outcome.status}
    if with_text:
        told["text"] = outcome.text
    logger.info("asked", extra=told)
    for stage, milliseconds in outcome.stages_ms.items():
        logger.info("stage", extra={"stage": stage, "ms": milliseconds})
