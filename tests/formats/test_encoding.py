"""Bytes to text: what is declared, what is detected, and what is no text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import ReadingLimits
from rag.errors import DocumentUnreadable
from rag.formats.encoding import decode
from tests.contracts.documents import Read

FRENCH = "Le château de la forêt est fermé l'été; le café, ouvert à Noël, fête ses cent ans cette année."
GERMAN = (
    "Die Mole wurde im März für die Größe der Fähren verlängert. Übrig blieb ein schmaler Steg für Möwen."
)
POLISH = (
    "Port otwarto wiosną. Latarnia morska stoi na przylądku od stu lat, a latarnik mieszka tam z rodziną."
)
RUSSIAN = "Порт был открыт весной. Маяк стоит на мысе уже сто лет, и смотритель живёт там с семьёй."
GREEK = "Το λιμάνι άνοιξε την άνοιξη. Ο φάρος στέκεται στο ακρωτήρι εδώ και εκατό χρόνια."
JAPANESE = "港は春に開かれた。灯台は百年前から岬に立っている。灯台守は家族とそこに住んでいる。"
CHINESE = "港口於春季開放。燈塔在海角上矗立了一百年，守塔人與家人住在那裡。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "cp1252"),
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (RUSSIAN, "cp1251"),
        (GREEK, "cp1253"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (RUSSIAN, "koi8-r"),
        ("Place;Höchststand\nSankt Jürgen;3,6 m\n", "cp1252"),
        ("“Quotes” – it’s", "cp1252"),
        (CHINESE, "big5"),
        (FRENCH, "utf-8"),
        (JAPANESE, "utf-8"),
        (RUSSIAN, "utf-8-sig"),
        (CHINESE, "utf-16"),
    ],
)
def test_prose_is_read_in_the_encoding_that_it_is_in(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), ReadingLimits()) == text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1250">', "cp1250"),
        ("<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-2'>", "iso8859-2"),
        ('<?xml version="1.0" encoding="koi8-r"?>', "koi8-r"),
        ("<meta charset=iso-2022-jp>", "iso2022_jp"),
        ("<meta charset=big5>", "big5"),
    ],
)
def test_what_a_page_declares_counts(head: str, encoding: str) -> None:
    told = {"koi8-r": RUSSIAN, "iso2022_jp": JAPANESE, "big5": CHINESE}.get(
        encoding, "Žluťoučký kůň pěl ódy."
    )
    assert decode((head + told).encode(encoding), ReadingLimits(), declares=True) == head + told


@pytest.mark.parametrize("declared", ["utf-8", "no-such-encoding", "rot13", "zip", "ascii"])
def test_what_is_declared_wrongly_does_not(declared: str) -> None:
    page = f'<meta charset="{declared}"><p>{FRENCH}</p>'
    assert decode(page.encode("cp1252"), ReadingLimits(), declares=True) == page
    assert decode(page.encode(), ReadingLimits(), declares=True) == page


@pytest.mark.parametrize(
    "content", [b"text\x00text", bytes(range(256)), b"\xff\xfea\x00b", b"\x80\x81\x82\x83" * 9]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentUnreadable, match=r"not text|NUL|not UTF-16"):
        decode(content, ReadingLimits())


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_text_or_refused(content: bytes, declares: bool) -> None:
    try:
        assert "\x00" not in decode(content, ReadingLimits(), declares)
    except DocumentUnreadable as error:
        assert str(error)  # noqa: PT017


def test_utf_16_with_its_mark(read: Read) -> None:
    assert read("x.md", "# Ufer\n\nEin Kai.".encode("utf-16")).title == "Ufer"
    assert read("y.md", b"\xfe\xff" + "Ein Kai – 港.".encode("utf-16-be")).text == "Ein Kai – 港."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfea\x00b", "not UTF-16 text"),
        (bytes(range(1, 256)), "not text in any encoding"),
        (b"text\x00text", "NUL byte at position 4"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "NUL"),
    ],
)
def test_what_is_not_text_is_said_where(read: Read, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable, match=reason):
        read("x.md", content)
