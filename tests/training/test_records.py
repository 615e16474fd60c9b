"""The records written for the reader: whole, and on the side that their titles say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rag.training.sources import RECORDS, read_records, split_of


@pytest.fixture(scope="module")
def articles() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RECORDS.read_text(encoding="utf-8"))["data"]
    return found


def test_every_answer_stands_where_it_is_said_to(articles: list[dict[str, Any]]) -> None:
    for article in articles:
        for paragraph in article["paragraphs"]:
            for row in paragraph["qas"]:
                for answer in row["answers"]:
                    assert paragraph["context"].startswith(answer["text"], answer["answer_start"]), row["id"]
                assert row["is_impossible"] is (not row["answers"]), row["id"]


def test_no_question_stands_twice(articles: list[dict[str, Any]]) -> None:
    for article in articles:
        asked = [row["question"].lower() for paragraph in article["paragraphs"] for row in paragraph["qas"]]
        assert len(set(asked)) == len(asked), article["title"]
    ids = [row["id"] for a in articles for paragraph in a["paragraphs"] for row in paragraph["qas"]]
    assert len(set(ids)) == len(ids)


def test_the_split_of_a_record_is_that_of_its_title(articles: list[dict[str, Any]]) -> None:
    splits = split_of(read_records(RECORDS))
    assert {article["title"]: article["split"] for article in articles} == splits
    assert set(splits.values()) == {"train", "development", "test"}
