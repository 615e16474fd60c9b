"""Answers as HTML: what a reader sees of each kind of answer, and that nothing untrusted becomes markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rag.domain import Answer, Citation, Filters, Hit, Manifest, Passage, Reading, Turn
from ui import render
from ui.conversation import Exchange, Problem, before, extended, history, stopped
from ui.messages import LANGUAGES
from ui.sources import CLOSEST_CHARACTERS, extracts
from ui.sources import sources as cards
from ui.wording import confidence_in_words, counted, date_in_words

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src="https://example.com/pixel.png" onerror="alert(1)">',
    "![a picture](https://example.com/pixel.png)",
    "[a link](https://example.com)",
    "[a link]: https://example.com",
    "<https://example.com>",
    "[run](javascript:alert(1))",
    "</p></article><h1>taken over</h1>",
    '" onmouseover="alert(1)',
    "' style='position:fixed",
    "&lt;script&gt;",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} {% raw %}",
    "<!-- comment --><style>*{display:none}</style>",
    "<svg/onload=alert(1)><math><iframe src=//example.com>",
    "# heading\n\n> quote\n\n---\n\n| a | b |\n|---|---|\n| c | d |",
]


class Outline(HTMLParser):
    """Which elements, attributes and text a piece of HTML has; refuses what is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.stack: list[str] = []
        self.feed(html)
        self.close()
        assert not self.stack, f"not closed: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "br":
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def named(self, tag: str, css_class: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and css_class in ("", *(attributes.get("class") or "").split())
        ]


def passage(
    document_id: str = "quay", text: str = "The quay opened in May. It cost 42 million.", start: int = 100
) -> Passage:
    return Passage(
        id=f"{document_id}-{start}",
        document_id=document_id,
        title="Harbour works",
        section="The quay > Cost",
        kind="project",
        published="2023-06-01",
        source="Elsin Gazette",
        text=text,
        start=start,
        end=start + len(text),
        sentences=(),
    )


def citation(quote: str, within: Passage, marker: int = 1) -> Citation:
    start = within.start + within.text.index(quote)
    return Citation(
        marker=marker,
        document_id=within.document_id,
        title=within.title,
        section=within.section,
        kind=within.kind,
        published=within.published,
        source=within.source,
        quote=quote,
        start=start,
        end=start + len(quote),
    )


QUAY = passage()
ANSWERED = Answer(
    id="1",
    status="answered",
    reason=None,
    answer="It cost 42 million. [1]",
    answer_plain="It cost 42 million.",
    short_answer="42 million",
    confidence=0.8,
    standalone_question="What did the quay cost?",
    citations=(citation("It cost 42 million.", QUAY),),
    unsupported=(),
    retrieved=(Hit(QUAY, 1.0, 1),),
    used=frozenset({QUAY.id}),
    answerer="extractive",
    model=None,
    fallback_reason=None,
    index_id="i",
    timings_ms={},
)
NOT_FOUND = replace(
    ANSWERED,
    status="not_found",
    reason="no_evidence",
    answer="The record does not say.",
    answer_plain="The record does not say.",
    short_answer=None,
    citations=(),
    used=frozenset(),
)


def asked(answer: Answer = ANSWERED, question: str = "What did the quay cost?") -> Exchange:
    return Exchange(question, answer=answer)


def shown(*exchanges: Exchange) -> tuple[Outline, Outline]:
    return Outline(render.conversation(exchanges, "en")), Outline(cards(exchanges, "en"))


class TestAnswer:
    def test_marker_leads_to_its_quote_and_back(self) -> None:
        conversation, sources = shown(asked())
        (marker,) = conversation.named("a", "marker")
        (mark,) = sources.named("mark")
        (back,) = sources.named("a", "marker")
        assert marker["href"] == f"#{mark['id']}"
        assert back["href"] == f"#{marker['id']}"
        assert marker["aria-label"] == "Source 1: Harbour works"

    def test_ids_are_unique_over_a_conversation(self) -> None:
        twice_cited = replace(ANSWERED, answer="It cost 42 million. [1] Really. [1]")
        conversation, sources = shown(asked(twice_cited), asked(twice_cited), asked(NOT_FOUND))
        ids = [
            attributes["id"]
            for _, attributes in conversation.elements + sources.elements
            if "id" in attributes
        ]
        assert len(ids) == len(set(ids))
        targets = {attributes["href"] for _, attributes in conversation.elements if "href" in attributes}
        assert {f"#{identity}" for identity in ids} >= targets

    def test_short_answer_stands_out(self) -> None:
        conversation, _ = shown(asked())
        assert conversation.named("p", "short-answer")
        assert conversation.text.index("42 million") < conversation.text.index("It cost 42 million.")

    @pytest.mark.parametrize("short", [None, "", "It cost 42 million"])
    def test_short_answer_is_not_repeated(self, short: str | None) -> None:
        conversation, _ = shown(asked(replace(ANSWERED, short_answer=short)))
        assert not conversation.named("p", "short-answer")

    def test_marker_without_a_source_stays_text(self) -> None:
        conversation, _ = shown(asked(replace(ANSWERED, answer="As [2] says, it cost 42 million. [1]")))
        assert len(conversation.named("a", "marker")) == 1
        assert "As [2] says" in conversation.text

    def test_escaped_brackets_are_no_marker(self) -> None:
        conversation, _ = shown(asked(replace(ANSWERED, answer=r"The list \[1\] is long. [1]")))
        assert len(conversation.named("a", "marker")) == 1
        assert "The list [1] is long." in conversation.text

    def test_list_and_emphasis_are_read(self) -> None:
        conversation, _ = shown(
            asked(replace(ANSWERED, answer="These built it:\n\n- *Brandt* [1]\n- Okafor"))
        )
        assert len(conversation.named("li")) == 2
        assert conversation.named("em")

    def test_escapes_of_the_answerer_are_undone(self) -> None:
        conversation, _ = shown(asked(replace(ANSWERED, answer=r"A\*B \_c\_ \<d\> 1\. \# & [1]")))
        assert "A*B _c_ <d> 1. # &" in conversation.text

    def test_what_was_searched_for_is_shown_if_it_was_rewritten(self) -> None:
        conversation, _ = shown(asked(question="And its cost?"))
        assert "Searched for What did the quay cost?" in conversation.text
        conversation, _ = shown(asked())
        assert "Searched for" not in conversation.text

    def test_fallback_and_unsupported_sentences_are_told(self) -> None:
        answer = replace(ANSWERED, fallback_reason="it was too slow", unsupported=("The sea is green.",))
        conversation, _ = shown(asked(answer))
        assert "it was too slow" in conversation.text
        assert "The sea is green." in conversation.text

    def test_confidence_is_in_words(self) -> None:
        conversation, _ = shown(asked())
        assert (
            "Likely right About 8 in 10 answers like this are right In the record’s own words"
            in conversation.text
        )
        assert "0.8" not in conversation.text

    def test_who_wrote_it_is_told(self) -> None:
        assert "In the record’s own words" in shown(asked())[0].text
        written = replace(ANSWERED, answerer="generative", model="<b>m</b>")
        assert "Written by <b>m</b> from the sources" in shown(asked(written))[0].text

    def test_copy_holds_the_answer_and_its_numbered_sources(self) -> None:
        conversation, _ = shown(asked(replace(ANSWERED, answer=r"It cost \<42\> million. [1]")))
        (copy,) = [button for button in conversation.named("button") if "data-copy" in button]
        assert copy["data-copy"] == (
            "It cost <42> million. [1]\n\nSources\n[1] Harbour works, 1 June 2023: “It cost 42 million.”"
        )

    def test_asking_again_is_offered_where_another_answer_may_come(self) -> None:
        def offered(exchange: Exchange) -> bool:
            return any("data-ask" in button for button in shown(exchange)[0].named("button"))

        assert not offered(asked())
        assert not offered(Exchange("Now?"))
        assert not offered(Exchange("x" * 9_000, problem=Problem("invalid_request", "Too long.")))
        assert offered(asked(replace(ANSWERED, fallback_reason="it was too slow")))
        assert offered(asked(replace(ANSWERED, answerer="generative", model="m")))
        assert offered(Exchange("Now?", problem=Problem("too_busy", "Wait.")))
        assert offered(Exchange("Now?", stopped=True))


class TestRating:
    @staticmethod
    def rated(ratings: dict[str, render.Rated]) -> Outline:
        return Outline(render.conversation((asked(),), "en", ratings))

    def test_can_be_given(self) -> None:
        assert [thumb["aria-pressed"] for thumb in self.rated({}).named("button", "thumb")] == ["false"] * 2

    def test_once_given_asks_why_and_then_thanks(self) -> None:
        given = self.rated({"1": render.Rated("down")})
        assert [thumb["aria-pressed"] for thumb in given.named("button", "thumb")] == ["false", "true"]
        (form,) = given.named("form")
        assert (form["data-answer"], form["data-rating"]) == ("1", "down")
        (label,), (field,) = given.named("label"), given.named("textarea")
        assert label["for"] == field["id"]
        done = self.rated({"1": render.Rated("down", commented=True)})
        assert not done.named("form")
        assert "Your comment was kept" in done.text


class TestFilters:
    ACTIVE = Filters(("quay",), ("press_release",), "2023-05", "2024")

    def test_each_limit_can_be_lifted(self) -> None:
        chips = Outline(render.filters(self.ACTIVE, {"quay": "<Quay>"}, "en"))
        assert [(button.get("data-field"), button.get("data-value")) for button in chips.named("button")] == [
            ("kinds", "press_release"),
            ("document_ids", "quay"),
            ("published_from", "2023-05"),
            ("published_to", "2024"),
            (None, None),
        ]
        for told in ("Press release", "<Quay>", "since May 2023", "until 2024"):
            assert told in chips.text

    def test_none_is_shown_where_there_is_none(self) -> None:
        assert render.filters(Filters(), {}, "en") == ""

    def test_those_of_a_question_stay_with_it(self) -> None:
        conversation, _ = shown(replace(asked(), filters=self.ACTIVE))
        assert (
            "Searched only in Press release, Harbour works, since May 2023, until 2024" in conversation.text
        )


class TestNotFound:
    def test_why_is_said_in_the_language_of_the_window(self) -> None:
        unknown = replace(
            NOT_FOUND, reason="unknown_name", reading=Reading((), 0.1, "unknown_name", ("Zürich", "Bern"))
        )
        assert "文書には Zürich, Bern についての記載がありません。" in render.conversation(
            (asked(unknown),), "ja"
        )
        assert "The record does not say." in render.conversation((asked(replace(unknown, reason="?")),), "ja")

    def test_looks_different_and_cites_nothing(self) -> None:
        conversation, sources = shown(asked(NOT_FOUND))
        assert conversation.named("div", "not-found")
        assert not conversation.named("div", "answered")
        assert "Not in the record" in conversation.text
        assert not sources.named("mark")
        assert not conversation.named("p", "confidence")

    def test_lists_the_closest_passage_of_each_document(self) -> None:
        passages = [
            passage("a", "First."),
            passage("a", "Second.", 500),
            *(passage(name, f"Of {name}.") for name in "bcd"),
        ]
        hits = tuple(Hit(found, 1.0, rank) for rank, found in enumerate(passages, start=1))
        conversation, sources = shown(asked(replace(NOT_FOUND, retrieved=hits)))
        assert [link["href"] for link in sources.named("a")] == [
            "/documents/a#c=100-106",
            "/documents/b#c=100-105",
            "/documents/c#c=100-105",
        ]
        assert "Second." not in sources.text
        assert [link["href"] for link in conversation.named("a")] == ["#sources-1"]

    def test_long_passages_are_cut_between_words(self) -> None:
        _, sources = shown(asked(replace(NOT_FOUND, retrieved=(Hit(passage(text="word " * 200), 1.0, 1),))))
        assert "word …" in sources.text
        assert len(sources.text) < CLOSEST_CHARACTERS + 200

    def test_without_any_passage_nothing_is_promised(self) -> None:
        conversation, _ = shown(asked(replace(NOT_FOUND, retrieved=())))
        assert not conversation.named("a")


class TestSources:
    def test_card_names_the_page_where_there_is_one(self) -> None:
        placed = replace(ANSWERED, citations=(replace(ANSWERED.citations[0], page=12),))
        assert "Page 12" in shown(asked(placed))[1].text
        assert "Page" not in shown(asked())[1].text

    def test_card_tells_where_the_quote_stands(self) -> None:
        _, sources = shown(asked())
        for told in (
            "Harbour works",
            "The quay › Cost",
            "Project",
            "Published 1 June 2023",
            "The quay opened in May.",
        ):
            assert told in sources.text
        assert {"href": "/documents/quay#c=124-143", "target": "_blank", "rel": "noopener"} in sources.named(
            "a"
        )

    def test_quote_is_marked_in_its_passage(self) -> None:
        assert 'The quay opened in May. <mark id="source-1-1" tabindex="-1">It cost 42 million.' in cards(
            (asked(),), "en"
        )

    def test_quotes_of_one_passage_share_a_card(self) -> None:
        citations = (citation("It cost 42 million.", QUAY, 1), citation("The quay opened in May.", QUAY, 2))
        _, sources = shown(asked(replace(ANSWERED, citations=citations)))
        assert len(sources.named("li", "source")) == 1
        assert [mark["id"] for mark in sources.named("mark")] == ["source-1-2", "source-1-1"]
        assert sources.text.count("The quay opened in May.") == 1

    def test_overlapping_quotes_lose_no_text(self) -> None:
        citations = (citation("The quay opened", QUAY, 1), citation("quay opened in May.", QUAY, 2))
        _, sources = shown(asked(replace(ANSWERED, citations=citations)))
        text = sources.text.replace(" (quoted as 1)", "").replace(" (quoted as 2)", "")
        assert QUAY.text in text

    def test_quote_of_no_retrieved_passage_stands_alone(self) -> None:
        _, sources = shown(asked(replace(ANSWERED, retrieved=())))
        assert len(sources.named("mark")) == 1
        assert "The quay opened" not in sources.text

    def test_quote_that_is_not_at_its_offsets_is_not_marked_elsewhere(self) -> None:
        astray = replace(ANSWERED.citations[0], start=101, end=120)
        assert extracts(replace(ANSWERED, citations=(astray,)))[0].text == astray.quote

    def test_only_what_the_answer_uses_is_listed(self) -> None:
        unused = Hit(passage("lighthouse", "The lighthouse is tall."), 0.5, 2)
        _, sources = shown(asked(replace(ANSWERED, retrieved=(*ANSWERED.retrieved, unused))))
        assert "lighthouse" not in sources.text

    def test_those_of_the_newest_answer_are_on_show(self) -> None:
        _, sources = shown(asked(), asked(), Exchange("And?"))
        assert ["hidden" in section for section in sources.named("section")] == [True, False]

    def test_section_that_repeats_the_title_is_left_out(self) -> None:
        same = replace(ANSWERED.citations[0], section="Harbour works")
        _, sources = shown(asked(replace(ANSWERED, citations=(same,))))
        assert not sources.named("p", "section")


class TestUntrusted:
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_stays_text_wherever_it_stands(self, hostile: str) -> None:
        within = replace(passage("x", hostile), title=hostile, section=hostile, kind=hostile, published=None)
        cited = replace(citation(hostile, within), document_id=f'x"><{hostile}')
        answer = replace(
            ANSWERED,
            short_answer=hostile,
            standalone_question=hostile,
            citations=(cited,),
            retrieved=(Hit(within, 1.0, 1),),
            unsupported=(hostile,),
            fallback_reason=hostile,
        )
        exchanges = (
            asked(answer, hostile),
            asked(replace(answer, status="not_found", answer_plain=hostile), hostile),
            Exchange(hostile, problem=Problem("invalid_request", hostile)),
        )
        conversation, sources = shown(*exchanges)
        assert hostile in conversation.text
        assert hostile in sources.text
        self.assert_harmless(conversation)
        self.assert_harmless(sources)

    @pytest.mark.parametrize("hostile", HOSTILE)
    @pytest.mark.parametrize("final", [True, False])
    def test_answer_text_makes_no_links_pictures_or_markup(self, hostile: str, final: bool) -> None:
        exchange = asked(replace(ANSWERED, answer=hostile)) if final else Exchange("?", draft=hostile)
        self.assert_harmless(Outline(render.conversation((exchange,), "en")))

    @staticmethod
    def assert_harmless(outline: Outline) -> None:
        allowed = set(
            "article section div p h2 h3 a span mark ol ul li blockquote q strong em code time br"
            " button form label textarea svg path".split()
        )
        assert {tag for tag, _ in outline.elements} <= allowed
        for _, attributes in outline.elements:
            assert not [
                name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")
            ]
            assert (attributes.get("href") or "#").startswith(("#", "/documents/"))

    def test_control_characters_and_broken_unicode_do_no_harm(self) -> None:
        text = "a\x00b\x1bc\x85d\ud800e\r\nf"
        html = render.conversation((asked(replace(ANSWERED, answer=text), text),), "en")
        html.encode("utf-8")
        assert not any(character in html for character in "\x00\x1b\x85\ud800\r")

    def test_text_of_any_direction_keeps_to_its_element(self) -> None:
        conversation, sources = shown(asked(question="\u202eevil"))
        assert conversation.named("h2", "question")[0]["dir"] == "auto"
        assert sources.named("blockquote")[0]["dir"] == "auto"

    def test_very_long_question_is_cut(self) -> None:
        assert (
            len(
                render.conversation(
                    (Exchange("word " * 10_000, problem=Problem("invalid_request", "Too long.")),), "en"
                )
            )
            < 3_000
        )

    @pytest.mark.parametrize("question", ["", " " * 5_000, "\n" * 5_000, "x" * 5_000])
    def test_no_question_is_too_odd(self, question: str) -> None:
        Outline(render.conversation((Exchange(question, problem=Problem("invalid_request", "No.")),), "en"))
        Outline(cards((asked(question=question),), "en"))


class TestProgress:
    def test_before_the_first_question(self) -> None:
        conversation, sources = shown()
        assert "Ask the record" in conversation.text
        assert sources.named("section", "empty")

    def test_while_it_is_worked_on(self) -> None:
        assert "Searching the record" in shown(Exchange("?"))[0].text
        assert "Reading 6 passages" in shown(Exchange("?", passages=6))[0].text
        draft = shown(Exchange("?", passages=6, draft="It *cost* [1]"))[0]
        assert "It cost [1]" in draft.text
        assert not draft.named("a")

    def test_problem_says_what_to_do(self) -> None:
        conversation, sources = shown(
            Exchange(
                "?", problem=Problem("invalid_request", "Nothing is ingested. Run `mission-record ingest`.")
            )
        )
        assert "Run `mission-record ingest`." in conversation.text
        assert conversation.named("div", "problem")
        assert sources.named("section", "empty")

    def test_announcement_comes_once_at_the_end(self) -> None:
        assert render.announcement(Exchange("?", draft="It"), "en") == ""
        assert render.announcement(asked(), "en") == "Answer, with 1 source: It cost 42 million."
        assert render.announcement(asked(NOT_FOUND), "en") == "Not in the record. The record does not say."
        assert (
            render.announcement(Exchange("?", problem=Problem("invalid_request", "<b>No</b>")), "en")
            == "This cannot be asked. &lt;b&gt;No&lt;/b&gt;"
        )

    def test_header_counts(self) -> None:
        assert "1 document · 1,204 passages" in render.header(Manifest("i", "f", 1, 1204, ()), "en")
        assert "document" not in render.header(None, "en")


class TestLanguages:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_everything_can_be_shown(self, language: str) -> None:
        exchanges = (
            replace(asked(question="And?"), filters=TestFilters.ACTIVE),
            asked(NOT_FOUND),
            asked(
                replace(
                    ANSWERED, answerer="generative", model="m", unsupported=("No.",), fallback_reason="slow"
                )
            ),
            Exchange("?", problem=Problem("index_empty", "Nothing.")),
            Exchange("?", problem=Problem("internal")),
            Exchange("?", stopped=True),
            Exchange("?", passages=3),
        )
        html = render.conversation(exchanges, language, {"1": render.Rated("up")}) + cards(
            exchanges, language
        )
        Outline(html)
        said = any(
            word in html for word in ("Searched", "Sources", "Likely", "Published", "Reading", "Stopped")
        )
        assert said is (language == "en")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_head_offers_the_others(self, language: str) -> None:
        links = Outline(render.header(None, language)).named("a")
        assert [link["lang"] for link in links] == list(LANGUAGES)
        assert [link["lang"] for link in links if "aria-current" in link] == [language]

    def test_dates(self) -> None:
        dates = ("2025-04-21", "2025-04", "2025", None)
        assert [date_in_words(date, "en") for date in dates] == ["21 April 2025", "April 2025", "2025", ""]
        assert [date_in_words(date, "ja") for date in dates] == ["2025年4月21日", "2025年4月", "2025年", ""]
        assert date_in_words("2025-04-21", "zh-Hant") == "2025 年 4 月 21 日"


class TestConversation:
    def test_question_asked_again_takes_the_place_of_its_last_try(self) -> None:
        failed = Exchange("Why?", problem=Problem("too_busy", "Wait."))
        assert before((asked(), failed), "Why? ") == (asked(),)
        assert before((asked(), failed), "Who?") == (asked(), failed)
        assert before((), "Who?") == ()

    def test_what_was_stopped_or_broken_off_is_not_waited_for(self) -> None:
        conversation = (asked(), Exchange("Why?"))
        assert [exchange.stopped for exchange in stopped(conversation)] == [False, True]
        assert before(conversation, "Who?") == (asked(),)

    def test_history_holds_what_was_answered(self) -> None:
        turns = history(
            (
                asked(),
                Exchange("Broken", problem=Problem("invalid_request", "No.")),
                asked(NOT_FOUND, "Why?"),
                Exchange("Now"),
            )
        )
        assert turns == (
            Turn("user", "What did the quay cost?"),
            Turn("assistant", "It cost 42 million."),
            Turn("user", "Why?"),
            Turn("assistant", "The record does not say."),
        )

    def test_history_and_conversation_keep_the_newest(self) -> None:
        exchanges: tuple[Exchange, ...] = ()
        for number in range(60):
            exchanges = extended(exchanges, asked(question=str(number)))
        assert [len(exchanges), exchanges[-1].question] == [50, "59"]
        assert [len(history(exchanges)), history(exchanges)[-2].content] == [50, "59"]


@pytest.mark.parametrize(
    ("probability", "words", "odds"),
    [
        (1.0, "Very likely right", "More than 9 in 10"),
        (0.94, "Very likely right", "About 9 in 10"),
        (0.7, "Likely right", "About 7 in 10"),
        (0.5, "Uncertain, check the source", "About 5 in 10"),
        (0.2, "Doubtful, check the source", "About 2 in 10"),
        (0.0, "Doubtful, check the source", "Fewer than 1 in 10"),
    ],
)
def test_confidence_in_words(probability: float, words: str, odds: str) -> None:
    confidence = confidence_in_words(probability, "en")
    assert confidence.words == words
    assert confidence.odds.startswith(odds)


def test_counted() -> None:
    assert [counted(number, "passage", "en") for number in (0, 1, 2_000)] == [
        "0 passages",
        "1 passage",
        "2,000 passages",
    ]
