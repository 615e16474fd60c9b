"""Takes out what a model thinks aloud before it answers, where its server leaves that in the text."""

from __future__ import annotations

BEGINS, ENDS = "<think>", "</think>"


class WithoutThoughts:
    """Text arrives in pieces, cut anywhere. What stands between the tags at its beginning is left out.

    Tags elsewhere are text like any other: a document may speak of them.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = self._past = False

    def take(self, piece: str) -> str:
        """What of the text so far can be shown now and was not before."""
        if self._past:
            return piece
        self._held += piece
        if not self._inside:
            text = self._held.lstrip()
            if len(text) < len(BEGINS) and BEGINS.startswith(text):
                return ""
            self._inside = text.startswith(BEGINS)
        if not self._inside:
            return self._release(self._held)
        before, tag, after = self._held.partition(ENDS)
        if tag and after.strip():
            return self._release(after.lstrip())
        if not tag:
            self._held = BEGINS + before[-len(ENDS) :]
        return ""

    def rest(self) -> str:
        """What was held back though it turned out to be text, the reply being at its end."""
        return "" if self._inside or self._past else self._release(self._held)

    def _release(self, text: str) -> str:
        self._past, self._held = True, ""
        return text
