"""Which of the forms that a route can answer in the client would rather have (RFC 9110, section 12.5.1)."""

from __future__ import annotations


def prefers(accept: str, wanted: str, default: str = "application/json") -> bool:
    """Whether an Accept header asks for the media type `wanted` more than for `default`."""
    return _quality(accept, wanted) > _quality(accept, default)


def _quality(accept: str, media_type: str) -> float:
    """The weight that the most specific range which fits gives to `media_type`; 0 where none fits."""
    ranges = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    found: dict[str, float] = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = [value for name, _, value in (part.partition("=") for part in parameters) if name == "q"]
        found[media_range] = _weight(weights[0]) if weights else 1.0
    return next((found[media_range] for media_range in ranges if media_range in found), 0.0)


def _weight(value: str) -> float:
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
