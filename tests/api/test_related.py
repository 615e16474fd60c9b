"""Where else the record speaks of the people and organisations of a document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.testclient import TestClient
from selectolax.lexbor import LexborHTMLParser

from rag.api.app import create_app
from rag.api.related import MAX_PLACES, mentions
from rag.settings import Settings
from rag.wiring import Application, build


def test_every_mention_stands_where_its_address_says(application: Application) -> None:
    catalog = application.catalog
    found = 0
    for summary in catalog.documents(limit=20).documents:
        for mention in mentions(catalog, catalog.document(summary.id)):
            assert 1 <= len(mention.places) <= MAX_PLACES
            for place in mention.places:
                address = urlsplit(place.url)
                other = catalog.document(address.path.removeprefix("/documents/"))
                start, end = map(int, address.fragment.removeprefix("c=").split("-"))
                assert other.id != summary.id
                assert other.title == place.title
                assert other.text[start:end] == mention.name
                found += 1
    assert found


def test_documents_that_list_nobody_go_by_the_names_in_their_text(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("The quay was led by Ada Moreau. Then came rain.", "utf-8")
    (corpus / "two.txt").write_text("In May, Ada Moreau spoke <b>at</b> the fair.", "utf-8")
    (corpus / "three.txt").write_text("Nobody spoke.", "utf-8")
    application = build(make_settings(tmp_path / "data", corpus_dir=corpus))
    application.synchronise()
    (mention,) = mentions(application.catalog, application.catalog.document("one"))
    assert mention.name == "Ada Moreau"
    assert [place.url for place in mention.places] == ["/documents/two#c=8-18"]
    assert mentions(application.catalog, application.catalog.document("three")) == []
    page = LexborHTMLParser(
        TestClient(create_app(application)).get("/documents/one", headers={"Accept": "text/html"}).text
    )
    assert [link.attributes["href"] for link in page.css("aside a")] == ["/documents/two#c=8-18"]
    application.close()
