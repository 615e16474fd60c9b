"""What the window says in each of its languages, from `texts/<language>/<part of the window>.json`."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

# BCP 47 tag -> what its speakers call it.
LANGUAGES = {"en": "English", "zh-Hant": "繁體中文", "ja": "日本語"}
DEFAULT_LANGUAGE = "en"


def message(key: str, language: str, /, **values: object) -> str:
    """The text under `key`, as "record.title", with `{name}` replaced by values.

    Raises:
        KeyError: no such key or language, or a value is missing.
    """
    return messages(language)[key].format(**values)


@cache
def messages(language: str) -> dict[str, str]:
    """All texts of a language by key."""
    found: dict[str, str] = {}
    for file in sorted((files("ui") / "texts" / language).iterdir(), key=lambda file: file.name):
        found |= json.loads(file.read_text("utf-8"))
    return found
