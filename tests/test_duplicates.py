"""Which documents say the same: the development set that the limits were fitted on, and what holds of any."""

from __future__ import annotations

import itertools
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.corpus import read_corpus
from rag.domain import Document
from rag.duplicates import Likeness, Statement, folded, is_copy, likeness, packed, statements_of, unpacked
from rag.formats.read import read_file
from rag.ingest import passages_of
from rag.settings import bundled_corpus
from tests.fakes import HashingEmbedder

RELEASE = (
    "The Port of Elsin opened a new container quay on Thursday.",
    "The quay is 640 metres long and cost 42 million euros, which the city and the port shared.",
    "“It doubles what we can load in a day,” said Ada Moreau, who led the building.",
    "Brandt Marine built the foundations, and Sól Dredging deepened the basin to 16 metres.",
    "Until now the largest ships had to wait for the tide off Cape Varn.",
    "Work on a second quay will begin next spring if the council agrees to it in November.",
    "The port handled 310,000 containers last year, a tenth more than the year before.",
)
ABOUT = (
    "About the Port of Elsin: the port is owned by the city and was founded in 1871.",
    "It employs 900 people and is the third largest of the coast.",
    "Forward-looking statements in this text are subject to risks and may turn out otherwise.",
)
OTHER_RELEASE = (
    "The Port of Elsin has named Ines Okafor as its director from January.",
    "She follows Jon Brandt, who leaves after eleven years to teach at the naval school.",
    "Okafor restored the lighthouse of Elsin and later ran the ferries to Varn.",
    "“I know this harbour from the water,” she said when the council had voted.",
    "The council chose her among four candidates by nine votes to two.",
    "Her first task will be the plan for a second quay.",
)


def read(text: str, name: str = "a.md") -> Likeness:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        (document,) = read_file(path, name)
    assert isinstance(document, Document)
    return of(document)


def of(document: Document) -> Likeness:
    return likeness(
        document, statements_of(document, passages_of(document, HashingEmbedder().count_tokens, 200))
    )


def written(*paragraphs: str, title: str = "A new quay for Elsin") -> str:
    return f"# {title}\n\n" + "\n\n".join(paragraphs)


def changed(old: str, new: str) -> tuple[str, ...]:
    assert any(old in sentence for sentence in RELEASE)
    return tuple(sentence.replace(old, new) for sentence in RELEASE)


ORIGINAL = written(*RELEASE, *ABOUT)

COPIES = {
    "with an outlet's frame": written(
        "Elsin Gazette | News | Harbour | Weather",
        "By Nora Lind, 5 May 2023, 10:32",
        *RELEASE,
        *ABOUT,
        "Read more: Ferry to Varn late again",
        "Subscribe to our letter, and have the news of the coast every morning.",
        "© 2023 Elsin Press. All rights reserved.",
    ),
    "with a dateline and another title": written(
        "ELSIN, May 4 (Coast Wire) – " + RELEASE[0], *RELEASE[1:], *ABOUT, title="Elsin port doubles capacity"
    ),
    "without the part on the company": written(*RELEASE, "Source: Port of Elsin"),
    "in one paragraph": written(" ".join((*RELEASE, *ABOUT))),
    "with hard line ends": written("\n".join(" ".join((*RELEASE, *ABOUT)).split(" "))),
    "with other quotation marks": ORIGINAL.replace("“", '"').replace("”", '"').replace("Sól", "SÓL"),
    "with captions and advertisements in between": written(
        *RELEASE[:2], "Photo: the new quay at dawn", *RELEASE[2:5], "Advertisement", *RELEASE[5:], *ABOUT
    ),
    "without its last sentence": written(*RELEASE, *ABOUT[:2]),
    "in two parts with headings": written(*RELEASE[:4], "## What comes next", *RELEASE[4:], *ABOUT),
}

SMALL_PRINT = " ".join(
    (
        "This letter is meant for the person that it is addressed to and may hold what is confidential.",
        "If it has reached you by mistake, please tell the sender and delete it with all copies.",
        "Nothing in it binds the Port of Elsin unless it has been confirmed in writing by its director.",
        "Views in it are those of the sender and need not be those of the port or of the city.",
    )
)
LETTER = "{}\n\n" + SMALL_PRINT

OTHERS = {
    "another release with the same part on the company": written(*OTHER_RELEASE, *ABOUT, title="A director"),
    "another release in the same frame": written(
        "Elsin Gazette | News | Harbour | Weather",
        *OTHER_RELEASE,
        "Read more: Ferry to Varn late again",
        "Subscribe to our letter, and have the news of the coast every morning.",
        *ABOUT,
    ),
    "another figure": written(*changed("42 million", "47 million"), *ABOUT),
    "another figure in the first sentence": written(*changed("on Thursday", "on Friday"), *ABOUT),
    "another name": written(*changed("Ada Moreau", "Nora Lind"), *ABOUT),
    "the opposite": written(*changed("will begin", "will not begin"), *ABOUT),
    "a sentence more in the middle": written(
        *RELEASE[:3], "Two divers were hurt while it was built.", *RELEASE[3:], *ABOUT
    ),
    "a report that quotes it": written(
        *RELEASE[:3],
        *(
            f"In year {year} the council had promised something else about pier {year}."
            for year in range(1990, 2010)
        ),
    ),
    "only its beginning": written(*RELEASE[:3]),
    "a letter with the same small print": LETTER.format("The council meets on Monday at nine."),
    "a letter with the same small print above": written(SMALL_PRINT, "The council meets on Monday at nine."),
    "a price in a line without a full stop": written("Price: 14 euros", *RELEASE, *ABOUT),
    "a correction in front": written("This replaces what we wrote before.", *RELEASE, *ABOUT),
    "without the part on the company, but with a statement of its own": written(
        *RELEASE, "We have asked the port for more."
    ),
    "a year in the title": written(*RELEASE, *ABOUT, title="A new quay for Elsin in 2022"),
    "another number under a heading": written(
        *RELEASE[:4], "## Plans for quay number 3 of 2025", *RELEASE[4:], *ABOUT
    ),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy(how: str) -> None:
    assert is_copy(read(COPIES[how]), read(ORIGINAL))


def test_copies_of_a_release_are_copies_of_each_other() -> None:
    likenesses = [read(text, f"{at}.md") for at, text in enumerate((ORIGINAL, *COPIES.values()))]
    assert set(folded(likenesses).values()) == {"0"}


@pytest.mark.parametrize("how", OTHERS)
def test_a_document_of_its_own(how: str) -> None:
    against = ORIGINAL
    if how == "a year in the title":
        against = ORIGINAL.replace("Elsin\n", "Elsin in 2021\n", 1)
    if how == "another number under a heading":
        against = written(*RELEASE[:4], "## Plans for quay number 2 of 2024", *RELEASE[4:], *ABOUT)
    if "letter" in how:
        against = LETTER.format("Please find the report attached.")
        against = against if "above" not in how else written(SMALL_PRINT, "Please find the report attached.")
    if how == "a price in a line without a full stop":
        against = written("Price: 12 euros", *RELEASE, *ABOUT)
    one, other = read(OTHERS[how], "b.md"), read(against)
    assert not is_copy(one, other)
    assert folded([one, other]) == {}


def test_what_is_short_is_a_copy_only_word_for_word() -> None:
    assert is_copy(read("Adults pay 12 euros."), read("<p>ADULTS pay\n12 euros</p>", "b.html"))
    assert not is_copy(read("Adults pay 12 euros."), read("Adults pay 14 euros."))
    assert not is_copy(read("Adults pay 12 euros."), read("Adults pay 12 euros. Children travel free."))
    assert not is_copy(read("It fell to -5 degrees."), read("It fell to 5 degrees."))
    assert not is_copy(read("It rose by 5 %."), read("It rose by 5 €."))


def test_text_without_spaces() -> None:
    text = "港は木曜日に新しい岸壁を開いた。費用は四千二百万ユーロだった。市と港が分担した。来春には次の工事が始まる。"
    assert is_copy(read("# 港\n\n" + text), read("# 新聞\n\n" + text + "\n\n関連記事はこちら"))
    assert not is_copy(read("# 港\n\n" + text), read("# 港\n\n" + text.replace("四千", "三千")))


def test_documents_of_other_days_are_not_copies() -> None:
    minutes = "---\ntitle: Minutes\nid: {}\ndate: {}\n---\n" + " ".join(RELEASE)
    assert folded([read(minutes.format("a", "2024-05-03")), read(minutes.format("b", "2024-06-03"))]) == {}


def test_the_first_published_is_kept_then_the_first_by_path() -> None:
    dated = "---\ntitle: Quay\nsource: {{title: G, published: {}}}\n---\n" + " ".join(RELEASE)
    first, second = read(dated.format("2023-05-04"), "z.md"), read(dated.format("2023-05-05"), "b.md")
    undated, later = read(" ".join(RELEASE), "a.md"), read("# Quay\n\n" + " ".join(RELEASE), "c.md")
    for order in itertools.permutations((first, second, undated, later)):
        assert folded(order) == {"b": "z", "a": "z", "c": "z"}
    assert folded([later, undated]) == {"c": "a"}


def test_the_bundled_record_has_no_copies() -> None:
    documents = [entry for entry in read_corpus([bundled_corpus()]) if isinstance(entry, Document)]
    assert len(documents) > 50
    assert folded([of(document) for document in documents]) == {}


def test_thousands_of_documents_of_one_form_are_told_apart() -> None:
    rng = random.Random(7)
    form = [Statement(rng.randbytes(4 * 12), True) for _ in range(20)]

    def filled(number: int) -> Likeness:
        own = Statement(form[3].words[:-4] + number.to_bytes(4), True)
        return Likeness(
            str(number), str(number), (0, False, 0, f"{number:06}"), frozenset(), None, (*form, own)
        )

    assert folded([filled(number) for number in range(3_000)]) == {}


STATEMENTS = st.lists(
    st.builds(Statement, st.binary(min_size=1, max_size=9).map(lambda words: words * 4), st.booleans()),
    max_size=6,
)


@given(STATEMENTS)
def test_statements_come_back_as_they_were_stored(statements: list[Statement]) -> None:
    assert unpacked(packed(statements)) == tuple(statements)
