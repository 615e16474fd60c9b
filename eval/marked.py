"""What stands between a pair of marks in a file that is written by hand otherwise."""

from __future__ import annotations

from rag.errors import InvalidInput


def insert(text: str, mark: str, content: str) -> str:
    """The text with what stands between `<!-- mark:begin -->` and `<!-- mark:end -->` replaced by `content`.

    Raises:
        InvalidInput: it has not exactly one such pair.
    """
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise InvalidInput(
            f"The file must hold {begin} and after it {end}, each once: the figures go between them."
        )
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{content}\n{end}{after}"
