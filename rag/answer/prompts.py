"""The prompts, as files in `rag/prompts/`, and the name under which an answer says which of them made it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from string import Template


@cache
def prompt(name: str) -> Template:
    """The prompt `rag/prompts/<name>.md`; `$word` stands for what is filled in."""
    return Template((files("rag") / "prompts" / f"{name}.md").read_text("utf-8").strip())


@cache
def version(*names: str) -> str:
    """The first twelve digits of the SHA-256 of the prompts: changes with any word of them."""
    return hashlib.sha256("\n".join(prompt(name).template for name in names).encode()).hexdigest()[:12]
