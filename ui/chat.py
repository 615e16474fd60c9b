"""The page on which questions are asked and answered. State of a person is in `gr.State` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import Filters, Rating
from rag.errors import RagError
from ui import render, transcript
from ui.conversation import Conversation, before, extended, follow, stopped
from ui.examples import ExampleQuestions
from ui.follow_ups import follow_ups
from ui.limits import lifted
from ui.markup import text
from ui.messages import message
from ui.pages import ON_CLICK, block, told
from ui.render import Rated
from ui.shared import FORGET_AFTER, Shared
from ui.sources import sources as sources_of

if TYPE_CHECKING:
    from rag.wiring import Application

AT_ONCE = 4

SAVE = "(text) => window.missionRecord.save(text, {name}, {kind})"

Updates = tuple[Any, ...]
Ratings = dict[str, Rated]


def chat_page(application: Application, language: str, shared: Shared, examples: ExampleQuestions) -> None:
    """The conversation, its sources beside it, and the box to ask in."""

    def say(key: str) -> str:
        return message(key, language)

    chat = Chat(application, language, examples)
    exchanges = gr.State((), time_to_live=FORGET_AFTER)
    # By answer id; written into, so that what is rated while another answer is on its way is not lost.
    ratings = gr.State({}, time_to_live=FORGET_AFTER)
    with gr.Column(elem_id="window"):
        with gr.Column(elem_id="chat"):
            conversation = block(chat.conversation((), {}), "conversation", ON_CLICK)
            questions = block("", "questions")
        sources = block(sources_of((), language), "sources")
        with gr.Column(elem_id="composer"):
            filters = block("", "filters", ON_CLICK)
            with gr.Row(elem_id="asking"):
                shared.question.render()  # type: ignore[no-untyped-call]
                send = gr.Button(say("chat.ask"), variant="primary", elem_id="send", min_width=0)
                stop = gr.Button(say("chat.stop"), elem_id="stop", min_width=0)
            with gr.Row(elem_id="tools"):
                fresh = gr.Button(say("chat.fresh"), elem_id="new-conversation", size="sm", min_width=0)
                markdown = gr.Button(say("chat.save.markdown"), size="sm", min_width=0)
                as_json = gr.Button(say("chat.save.json"), size="sm", min_width=0)
    announcement = block("", "announcement")
    saved = gr.Textbox(visible="hidden", container=False, show_label=False)

    shown = [exchanges, conversation, sources, questions, announcement, shared.question]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    # One event for every way to ask, so that a person's questions are answered one after the other: what is sent
    # while an answer is on its way is asked after it. Questions to choose from are typed and sent by `window.js`.
    ways_to_ask = [shared.question.submit, send.click]
    asking = gr.on(
        ways_to_ask,
        chat.ask,
        [shared.question, exchanges, ratings, shared.filters],
        shown,
        trigger_mode="always_last",
        concurrency_limit=AT_ONCE,
        **private,
    )
    suggesting = asking.then(chat.suggest, [exchanges, shared.filters], questions, **private)
    gr.on([*ways_to_ask, fresh.click], None, cancels=[suggesting], **private)
    stop.click(chat.stop, [exchanges, ratings], shown[:5], cancels=[asking], **private)
    fresh.click(chat.start_afresh, outputs=shown, cancels=[asking], **private)
    conversation.click(chat.rate, [exchanges, ratings], [conversation, announcement], **private)
    filters.click(_lift, shared.filters, shared.filters, **private)
    shared.filters.change(chat.filters, shared.filters, filters, **private)
    for button, write, ending, kind in (
        (markdown, chat.as_markdown, "md", "text/markdown"),
        (as_json, transcript.as_json, "json", "application/json"),
    ):
        save = SAVE.format(name=repr(f"{say('chat.save.name')}.{ending}"), kind=repr(kind))
        button.click(write, exchanges, saved, **private).then(None, saved, js=save, **private)
    gr.on(fn=chat.examples, inputs=[], outputs=questions, **private)


class Chat:
    """What the page does on each event, for one record in one language. Holds nothing of any person."""

    def __init__(self, application: Application, language: str, examples: ExampleQuestions) -> None:
        self._application = application
        self._language = language
        self._examples = examples

    def ask(
        self, question: str, exchanges: Conversation, ratings: Ratings, filters: Filters
    ) -> Iterator[Updates]:
        """Show the question at once, then its answer as it comes about."""
        if not question.strip():
            yield (gr.skip(),) * 6
            return
        earlier = before(exchanges, question)
        for exchange in follow(self._application, question, earlier, filters):
            now = extended(earlier, exchange)
            yield (
                now,
                self.conversation(now, ratings),
                gr.skip() if exchange.pending else sources_of(now, self._language),
                "",
                render.announcement(exchange, self._language),
                # Emptied once, when the question is taken: what is typed meanwhile stays.
                "" if exchange.passages is None and exchange.pending else gr.skip(),
            )

    def suggest(self, exchanges: Conversation, filters: Filters) -> Iterator[str]:
        """Questions that could follow, each when it is found to be answered."""
        heading = message("chat.follow_ups", self._language)
        found: tuple[str, ...] = ()
        for question in follow_ups(self._application, exchanges, filters):
            found = (*found, question)
            yield render.questions(found, heading)

    def stop(self, exchanges: Conversation, ratings: Ratings) -> Updates:
        """Give up what is being answered."""
        now = stopped(exchanges)
        announced = render.announcement(now[-1], self._language) if now else ""
        return now, self.conversation(now, ratings), sources_of(now, self._language), "", announced

    def start_afresh(self) -> Updates:
        """An empty conversation."""
        empty = sources_of((), self._language)
        return (), self.conversation((), {}), empty, self.examples(), "", ""

    def examples(self) -> str:
        """Questions to start with."""
        return render.questions(self._examples.questions(), message("chat.examples", self._language))

    def conversation(self, exchanges: Conversation, ratings: Mapping[str, Rated]) -> str:
        """All that was asked and answered."""
        return render.conversation(exchanges, self._language, ratings)

    def rate(self, exchanges: Conversation, ratings: Ratings, event: gr.EventData) -> Updates:
        """Keep what somebody thinks of an answer of this conversation."""
        choice = told(event)
        answer_id, comment = choice.get("answer", ""), choice.get("comment")
        rating: Rating = "up" if choice.get("rating") == "up" else "down"
        if answer_id not in {exchange.answer.id for exchange in exchanges if exchange.answer}:
            return gr.skip(), gr.skip()
        try:
            self._application.feedback(answer_id, rating, comment)
        except RagError as error:
            return gr.skip(), text(str(error))
        ratings[answer_id] = Rated(rating, commented=comment is not None)
        thanks = message("chat.thanks.comment" if comment else "chat.thanks", self._language)
        return self.conversation(exchanges, ratings), thanks

    def filters(self, active: Filters) -> str:
        """What the search is limited to."""
        titles = {}
        for document_id in active.document_ids:
            try:
                titles[document_id] = self._application.catalog.document(document_id).title
            except RagError:
                continue  # it is gone from the record; its id still says what is searched
        return render.filters(active, titles, self._language)

    def as_markdown(self, exchanges: Conversation, request: gr.Request) -> str:
        """The conversation to keep, with links that lead back to this server."""
        return transcript.as_markdown(exchanges, self._language, request.headers.get("origin", ""))


def _lift(active: Filters, event: gr.EventData) -> Filters:
    choice = told(event)
    return lifted(active, choice.get("field"), choice.get("value"))
