"""The window as a person uses it: a real browser, a real server, the real record."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from rag.domain import Event, Question
from rag.settings import Settings
from rag.wiring import Application, build

OpenPage = Callable[..., Page]
Serve = Callable[[Application], AbstractContextManager[str]]

WHO = "Who is Michael Huang?"
WHERE = "Where is the Shinagawa facility of MediNet?"
UNKNOWN = "What is the price of gold in Zurich?"
PHONE: ViewportSize = {"width": 320, "height": 640}


def ask(page: Page, question: str) -> Locator:
    """Ask as one does with the keyboard; the reply once it is complete."""
    turns = page.locator(".turn")
    before = turns.count()
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")
    expect(turns).to_have_count(before + 1)
    reply = turns.nth(before).locator(".reply:is(.answered, .not-found, .problem, .stopped)")
    reply.wait_for()
    return reply


def test_statement_leads_to_its_sentence_and_to_the_document(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    reply = ask(page, WHERE)
    expect(reply).to_contain_text("10 minutes")
    reply.get_by_role("link", name=re.compile("^Source 1: ")).click()
    mark = page.locator("#source-1-1")
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_focused()
    expect(mark).to_have_class("current")
    quote = (mark.evaluate("mark => mark.firstChild.data")).strip()
    assert "10 minutes" in quote
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the document").first.click()
    document = opened.value
    expect(document).to_have_url(re.compile(r"/documents/[\w-]+#c=\d+-\d+$"))
    expect(document.locator("mark").first).to_be_in_viewport()
    assert "".join(document.locator("mark").all_inner_texts()) == quote


def test_way_back_from_a_source_to_its_statement(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHERE)
    page.get_by_role("link", name="Back to statement 1").click()
    expect(page.locator("#mark-1-1")).to_be_focused()


def test_sources_of_an_earlier_answer_open_again(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    first = ask(page, WHERE)
    ask(page, WHO)
    expect(page.locator("#sources-1")).to_be_hidden()
    expect(page.locator("#sources-2")).to_be_visible()
    first.get_by_role("link").first.click()
    expect(page.locator("#source-1-1")).to_be_in_viewport()
    expect(page.locator("#sources-2")).to_be_hidden()


def test_what_the_record_does_not_say(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    reply = ask(page, UNKNOWN)
    expect(reply).to_have_class(re.compile("not-found"))
    expect(reply).to_contain_text("Not in the record")
    expect(page.locator("#sources mark")).to_have_count(0)
    assert 1 <= page.locator("#sources .source").count() <= 3
    reply.get_by_role("link", name="See the closest passages").click()
    expect(page.locator("#sources-1")).to_be_focused()


def test_examples_are_questions_that_the_record_answers(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    examples = page.locator("#questions button")
    expect(examples).to_have_count(4)
    for number, text in enumerate(examples.all_inner_texts()):
        page.get_by_role("button", name=text.strip(), exact=True).click()
        expect(page.locator(".question")).to_have_text(text.strip())
        page.locator(".reply.answered").wait_for()
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#questions button").nth(number)).to_be_visible()
    expect(page.locator("#sources .source")).to_have_count(0)
    expect(page.get_by_label("Your question")).to_be_focused()


def test_people_see_nothing_of_each_other(address: str, open_page: OpenPage) -> None:
    one, other = open_page(address), open_page(address)
    ask(one, WHO)
    expect(other.locator(".turn")).to_have_count(0)
    ask(other, WHERE)
    ask(one, UNKNOWN)
    assert one.locator(".question").all_inner_texts() == [WHO, UNKNOWN]
    assert other.locator(".question").all_inner_texts() == [WHERE]
    expect(open_page(address).locator(".turn")).to_have_count(0)


def test_follow_up_is_asked_with_what_came_before(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHO)
    expect(ask(page, "What is he director of?")).to_contain_text("Searched for")


def test_enter_sends_and_shift_enter_breaks_the_line(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    box = page.get_by_label("Your question")
    expect(box).to_be_focused()
    box.press_sequentially("Who is")
    box.press("Shift+Enter")
    box.press_sequentially("Michael Huang?")
    expect(box).to_have_value("Who is\nMichael Huang?")
    expect(page.locator(".turn")).to_have_count(0)
    box.press("Enter")
    page.locator(".reply.answered").wait_for()
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_empty_question_is_not_asked(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    page.get_by_label("Your question").fill("   ")
    page.get_by_role("button", name="Ask", exact=True).click()
    ask(page, WHO)
    expect(page.locator(".turn")).to_have_count(1)


def test_question_sent_while_another_is_answered_is_asked_after_it(
    application: Application, address: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = hold(application, monkeypatch)
    page = open_page(address)
    box = page.get_by_label("Your question")
    for text in (WHERE, WHO):
        box.fill(text)
        box.press("Enter")
        expect(page.locator(".reply.pending")).to_have_count(1)
    release.set()
    expect(page.locator(".reply.answered")).to_have_count(2)
    expect(page.locator(".question")).to_have_text([WHERE, WHO])


def test_new_conversation_ends_what_is_under_way(
    application: Application, address: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = hold(application, monkeypatch)
    page = open_page(address)
    box = page.get_by_label("Your question")
    box.fill(WHERE)
    box.press("Enter")
    page.locator(".reply.pending").wait_for()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    with page.expect_response("**/gradio_api/reset"):
        release.set()
    ask(page, WHO)
    expect(page.locator(".question")).to_have_text([WHO])


def hold(application: Application, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Answers wait, once their passages are found, until the event is set."""
    release = threading.Event()
    stream = application.pipeline.stream

    def held(question: Question) -> Iterator[Event]:
        for event in stream(question):
            yield event
            assert release.wait(timeout=60)

    monkeypatch.setattr(application.pipeline, "stream", held)
    return release


def test_keyboard_alone_opens_a_source(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHERE)
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "mark-1-1":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#source-1-1")).to_be_focused()


def test_screen_reader_is_told_the_answer(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    expect(page.locator("#announcement")).to_have_attribute("role", "status")
    ask(page, WHERE)
    expect(page.locator("#announcement")).to_have_text(re.compile(r"Answer, with 1 source: .*10 minutes"))
    page.get_by_role("main").wait_for()
    assert page.locator("h1").all_inner_texts() == ["Mission Record"]


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}, {"width": 3840, "height": 2160}])
def test_page_fits_the_screen(address: str, open_page: OpenPage, viewport: dict[str, int]) -> None:
    page = open_page(address, viewport=viewport)
    ask(page, WHERE)
    page.get_by_role("link", name=re.compile("^Source 1: ")).click()
    expect(page.locator("#source-1-1")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate("document.querySelector('.gradio-container').scrollLeft") == 0
    for control in (page.get_by_label("Your question"), page.get_by_role("button", name="Ask", exact=True)):
        expect(control).to_be_in_viewport(ratio=1)


def test_sources_stand_beside_the_chat_or_below_it(address: str, open_page: OpenPage) -> None:
    page = open_page(address, viewport={"width": 1280, "height": 800})
    ask(page, WHERE)
    chat, sources = page.locator("#chat").bounding_box(), page.locator("#sources").bounding_box()
    assert chat
    assert sources
    assert sources["x"] >= chat["x"] + chat["width"]
    page.set_viewport_size(PHONE)
    chat, sources = page.locator("#chat").bounding_box(), page.locator("#sources").bounding_box()
    assert chat
    assert sources
    assert sources["y"] >= chat["y"] + chat["height"]


@pytest.mark.parametrize(("scheme", "darkest"), [("light", False), ("dark", True)])
def test_colours_follow_the_system(address: str, open_page: OpenPage, scheme: str, darkest: bool) -> None:
    page = open_page(address, color_scheme=scheme)
    colour = page.locator(".gradio-container").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    assert (max(map(int, re.findall(r"\d+", colour)[:3])) < 64) is darkest


def test_questions_are_not_kept_in_the_browser(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHO)
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "Huang" not in stored
    assert page.evaluate("indexedDB.databases()") == []


def test_where_nothing_was_ingested(
    open_page: OpenPage, serve: Serve, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    application = build(make_settings(tmp_path / "data"))
    with serve(application) as address:
        page = open_page(address)
        expect(page.locator("#head")).to_contain_text("mission-record ingest")
        reply = ask(page, WHO)
        expect(reply).to_have_class(re.compile("problem"))
        expect(reply).to_contain_text("mission-record ingest")
        expect(page.locator("#questions button")).to_have_count(0)
    application.close()


def test_fault_of_the_program_is_told_without_its_text(
    application: Application, address: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_question: object) -> None:
        raise ValueError("a secret detail")

    monkeypatch.setattr(application.pipeline, "stream", fail)
    page = open_page(address)
    reply = ask(page, WHO)
    expect(reply).to_have_class(re.compile("problem"))
    expect(reply).to_contain_text("Something went wrong")
    assert "secret" not in page.content()


@pytest.mark.parametrize("key", [None, "Escape"])
def test_stop_gives_up_and_the_question_can_be_asked_again(
    application: Application,
    address: str,
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
    key: str | None,
) -> None:
    release = hold(application, monkeypatch)
    page = open_page(address)
    box = page.get_by_label("Your question")
    box.fill(WHERE)
    box.press("Enter")
    page.locator(".reply.pending").wait_for()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_hidden()
    if key:
        page.keyboard.press(key)
    else:
        page.get_by_role("button", name="Stop").click()
    expect(page.locator(".reply.stopped")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    with page.expect_response("**/gradio_api/reset"):
        release.set()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".reply.answered").wait_for()
    expect(page.locator(".question")).to_have_text([WHERE])


def test_escape_leads_from_a_source_back_to_its_statement(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHERE).get_by_role("link", name=re.compile("^Source 1: ")).click()
    expect(page.locator("#source-1-1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#mark-1-1")).to_be_focused()
    expect(page.locator("mark.current")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(page.get_by_label("Your question")).to_have_value("")


def test_rating_and_comment_are_kept(
    application: Application, address: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, str, str | None]] = []
    monkeypatch.setattr(application, "feedback", lambda *given: kept.append(given))
    page = open_page(address)
    reply = ask(page, WHERE)
    reply.get_by_role("button", name="Good answer").click()
    expect(reply.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    reply.get_by_role("button", name="Bad answer").click()
    expect(reply.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")
    reply.get_by_label("What was good or bad about it?").fill("It is <b>taller</b>.")
    reply.get_by_role("button", name="Send").click()
    expect(reply).to_contain_text("Your comment was kept")
    expect(page.locator("#announcement")).to_contain_text("Your comment was kept")
    ask(page, WHO)
    expect(reply.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    assert [given[1:] for given in kept] == [("up", None), ("down", None), ("down", "It is <b>taller</b>.")]
    assert len({given[0] for given in kept}) == 1


def test_answer_is_copied_with_its_sources(address: str, open_page: OpenPage) -> None:
    page = open_page(address, permissions=["clipboard-read", "clipboard-write"])
    copy = ask(page, WHERE).get_by_role("button", name="Copy with sources")
    copy.click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "10 minutes" in copied
    assert re.search(r"^\[1\] MediNet and its Shinagawa facility, .*: “.*10 minutes", copied, re.M)


def test_conversation_is_saved(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHERE)
    ask(page, UNKNOWN)
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Save as Markdown").click()
    assert downloaded.value.suggested_filename == "conversation.md"
    written = Path(downloaded.value.path()).read_text("utf-8")
    assert f"## {WHERE}" in written
    assert f"]({address}/documents/" in written
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Save as JSON").click()
    exchanges = json.loads(Path(downloaded.value.path()).read_text("utf-8"))["conversation"]
    assert [exchange["answer"]["status"] for exchange in exchanges] == ["answered", "not_found"]


def test_what_could_be_asked_next_is_answered(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    ask(page, WHERE)
    suggestion = page.locator("#questions button").first
    text = suggestion.inner_text()
    suggestion.click()
    expect(page.locator(".question").nth(1)).to_have_text(text)
    expect(page.locator("#turn-2 .reply.answered")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "ask_label", "not_found"),
    [("ja-JP", "質問", "文書に記載がありません"), ("zh-TW", "您的問題", "文件中查無此事")],
)
def test_window_speaks_the_language_of_the_browser(
    address: str, open_page: OpenPage, locale: str, ask_label: str, not_found: str
) -> None:
    page = open_page(address, locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", {"ja-JP": "ja", "zh-TW": "zh-Hant"}[locale])
    page.get_by_role("textbox", name=ask_label, exact=True).fill(UNKNOWN)
    page.keyboard.press("Enter")
    expect(page.locator(".reply.not-found")).to_contain_text(not_found)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(address)
    expect(page.get_by_label("Your question")).to_be_visible()


HOSTILE = """---
title: "<img src=x onerror=alert(1)> ${alert(1)} {{this}}"
kind: "<b>note</b>"
people: ["<script>alert(2)</script>"]
source: {title: "</script><script>alert(3)</script>"}
---

The Zanzibar memo was signed by <script>alert(4)</script> Ada Moreau, see ![x](https://example.com/x.png).
"""


def test_hostile_document_is_shown_as_text(
    open_page: OpenPage, serve: Serve, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "memo.md").write_text(HOSTILE, encoding="utf-8")
    (corpus / "memo.txt").write_text(
        "The Zanzibar memo was signed by <img src=x onerror=alert(5)> Ada.", "utf-8"
    )
    application = build(make_settings(tmp_path / "data", corpus_dir=corpus))
    application.synchronise()
    with serve(application) as address:
        page = open_page(address)
        ask(page, "Who signed the Zanzibar memo? <img src=x onerror=alert(6)> ${alert(7)} {{constructor}}")
        ask(page, "Who signed the Zanzibar memo?")
        expect(page.locator("#sources-2")).to_contain_text("<img src=x onerror=alert(")
        expect(page.locator(".question").first).to_contain_text(
            "<img src=x onerror=alert(6)> ${alert(7)} {{constructor}}"
        )
        assert page.locator("#pages :is(img, script, iframe, b)").count() == 0
    application.close()
