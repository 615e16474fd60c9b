import re
import string

import pytest

from ui.messages import DEFAULT_LANGUAGE, LANGUAGES, message, messages


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_text_with_the_same_values(language: str) -> None:
    expected, found = messages(DEFAULT_LANGUAGE), messages(language)
    assert found.keys() == expected.keys()
    assert {key: _fields(found[key]) for key in found} == {key: _fields(expected[key]) for key in expected}


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        message("no.such", "en")


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != DEFAULT_LANGUAGE])
def test_no_sentence_was_left_in_english(language: str) -> None:
    english, found = messages(DEFAULT_LANGUAGE), messages(language)
    same = {
        key
        for key in found
        if found[key] == english[key] and " " in re.sub(r"\{\w+\}", "", found[key]).strip()
    }
    assert same <= {"window.title"}
