"""What the turns of a conversation speak of, so that a later one can refer to it. English, by closed word classes.

There is no tagger here: what is a noun phrase follows from where function words stand, and which word of a question is
its verb from its auxiliary. That the nearest that fits is meant goes back to Hobbs 1978, "Resolving pronoun
references".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language import FUNCTION_WORDS, names

_TOKEN = re.compile(r"[^\W_]+(?:[.'’&/-][^\W_]+)*|[^\w\s]")
_DETERMINERS = frozenset("the a an this that these those its his her their our your my".split())
_DO = frozenset("do does did don't doesn't didn't can could will would shall should may might must".split())
_BE = frozenset("is are was were be been being has have had".split())
_PRONOUNS = frozenset("i you he she it we they there".split())
# Not part of a phrase at its edges: they say when or how much, of whatever it is.
_ADVERBS = frozenset(
    "still now then today ago again later before after already yet currently usually often together away back since"
    " until during between against under through without because although whether instead".split()
)
_ALONE = _ADVERBS | frozenset("better best worse new".split())
_PARTICIPLE = re.compile(
    r"(?:[a-z]{2,}(?:ed|able|ible|ous|ful)|built|made|held|found|born|known|seen|shown|written|led|won|taken|sold|given"
    r"|run|set|cut|paid|told|kept|lost|left|grown|open|closed|safe|free|available|true|dead|alive)$"
)
_PLURAL = re.compile(r"(?:[a-z]{2,}[^s\Wui]s|people|children|men|women|staff|police)$", re.IGNORECASE)
# "the goal of X": X is what such a question is about.
_RELATIONS = frozenset(
    "age aim amount author cause causes cost costs date definition director effect effects founder function goal goals"
    " head history impact kind kinds leader length level list manager meaning members name names number objectives"
    " owner part parts price purpose purposes reason reasons result results role size sort sources symptoms type types"
    " use uses value".split()
)
_TITLES = re.compile(
    r"^(?:dr|prof|professor|mr|mrs|ms|sir|dame|captain|governor|president|minister|king|queen)\b", re.I
)
_ORGANISATION = re.compile(
    r"\b(?:act|agency|association|bank|brewery|centre|center|chamber|clinic|club|college|committee|company|corp|council|court"
    r"|department|east|empire|festival|foundation|group|hall|hospital|inc|industries|institute|lake|laborator(?:y|ies)|labs?|library|line"
    r"|ltd|mine|ministry|mission|museum|observatory|office|orchestra|party|philharmonic|ocean|port|prize|programme|program|project"
    r"|revolution|river|road|school|sea|society|street|station|team|union|university|war|west)s?\b|[&\d]",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?|its|their|his|her|both|either)\s+", re.IGNORECASE)
_STOPS_ITEM = re.compile(
    r"\s+(?:is|are|was|were|has|have|had|do|does|did|can|will|which|who|that|in|on|at|for|from|to|with|by|as|than|until"
    r"|of the|offer|offers|works?|w[oi]n|joined|took|scored|take)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_STARTS_ITEM = re.compile(
    r"^.*(?:[:;]|\b(?:is|are|was|were|has|have|had|includes?|adds?|met|names?|with|for|by|won|uses?|makes?|between))\s+",
    re.IGNORECASE | re.DOTALL,
)
_NO_ITEM = re.compile(r"(?:yes|no|in|on|at|for|from|to|with|by|though|but|so)\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"(?:about|who|what|when|where|which|why|how|is|are|was|were|do|does|did|has|have|can|could|will|tell|explain)\b",
    re.I,
)
_BULLET = re.compile(r"(?:[-*•–]|\d+[.)])\s+(.+)$")
_BETWEEN_NAMES = re.compile(r"[\"”»]?\s*(?:,\s*(?:and|or|&)?|and|or|&)\s*(?:the\s+)?[\"“«]?", re.IGNORECASE)
LONGEST_ITEM = 5
# In a longer sentence without a name, which of its phrases it is about cannot be told.
LONGEST_TOLD = 14


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase `[start, end)` of a question, its article apart. `asked`: it says what kind of thing is wanted."""

    text: str
    start: int
    end: int
    asked: bool = False
    article: str = ""

    @property
    def named(self) -> bool:
        """Whether a word of it is written as a name."""
        return bool(names(f"so {self.text}" if self.start else self.text))

    @property
    def plural(self) -> bool:
        """Whether its head is plural."""
        return bool(_PLURAL.search(self.text.partition(" of ")[0]))

    @property
    def about(self) -> str:
        """What it is about: of "symptoms of type 2 diabetes" the disease, of "quay of Elsin" the quay."""
        head, _, complement = self.text.partition(" of ")
        if complement and head.rpartition(" ")[2].lower() in _RELATIONS:
            return complement
        return f"{self.article} {self.text}" if self.article in ("the", "a", "an") else self.text


def noun_phrases(question: str) -> list[Phrase]:
    """The noun phrases of a question in order, those joined by "of" as one."""
    tokens = list(_TOKEN.finditer(question))
    words = [token.group().lower() for token in tokens]
    found: list[Phrase] = []
    at = 0
    while at < len(tokens):
        if not _is_content(words[at]):
            at += 1
            continue
        first = at
        while at < len(tokens) and (_is_content(words[at]) or _joins(words, at)):
            at += 1
        phrase = _trimmed(question, tokens, words, first, at)
        if phrase:
            found.append(phrase)
    return found


def _is_content(word: str) -> bool:
    word = re.sub(r"['’]s$", "", word)
    return word[:1].isalnum() and word not in FUNCTION_WORDS and word not in _DO and word not in _PRONOUNS


def _joins(words: Sequence[str], at: int) -> bool:
    """Whether "of", or an article behind it, goes on with a phrase."""
    if words[at] == "of":
        following = words[at + 1 : at + 3]
        return bool(following) and (_is_content(following[0]) or following[0] in _DETERMINERS)
    return (
        words[at] in _DETERMINERS
        and words[at - 1] == "of"
        and at + 1 < len(words)
        and _is_content(words[at + 1])
    )


def _trimmed(
    question: str, tokens: Sequence[re.Match[str]], words: Sequence[str], first: int, end: int
) -> Phrase | None:
    """The phrase in a run of words without the verb at its edge, which the word before the run gives away."""
    before = first - 1
    article = before >= 0 and words[before] in _DETERMINERS
    before -= article
    lead = words[before] if before >= 0 else ""
    asked = not article and lead in ("which", "what", "many", "much")
    if not article and (lead in _PRONOUNS or lead in ("who", "to", "not", "how")):
        first += 1  # a verb, or after "how" an adjective
    elif (
        lead in _DO and end - first > 1 and words[end : end + 1] not in (["have"], ["do"], ["get"], ["give"])
    ):
        end -= tokens[end - 1].group().islower()
    elif asked and end - first > 1:
        # "which films won prizes": the plural ends it; "which company built it": the verb stands last.
        plurals = [at for at in range(first, end - 1) if _PLURAL.fullmatch(words[at])]
        verb = end == len(words) or words[end] not in _DO | _BE
        end = plurals[0] + 1 if plurals else end - verb
    while end - first > 1 and (
        words[end - 1] in _ALONE or (lead in _BE and _PARTICIPLE.match(tokens[end - 1].group()))
    ):
        end -= 1
    while first < end and words[first] in (_ADVERBS if end - first > 1 else _ALONE):
        first += 1
    if first >= end or not _is_content(words[end - 1]):
        return None
    start, stop = tokens[first].start(), tokens[end - 1].end()
    text = re.sub(r"['’]s?$", "", question[start:stop])
    return Phrase(text, start, stop, asked, words[first - 1] if article else "")


def subject(question: str) -> Phrase | None:
    """What a question is about: the first phrase with a name in it, else its first, what is asked for coming last.

    None where that cannot be told: of what is no question, or a long one.
    """
    before, colon, _ = question.rpartition(": ")
    if colon and (about := subject(before)):
        return about
    phrases = noun_phrases(question)
    if named := next((phrase for phrase in phrases if phrase.named), None):
        return named
    if len(question.split()) > LONGEST_TOLD or not _QUESTION.match(question):
        return None
    return next((phrase for phrase in phrases if not phrase.asked), next(iter(phrases), None))


def several(question: str) -> Phrase | None:
    """The things, more than one, that a question speaks of: "which companies", "the forms"."""
    return next((phrase for phrase in noun_phrases(question) if phrase.plural), None)


def new_names(before: str, text: str, first: bool = True) -> list[str]:
    """The names that an answer brings which the question did not hold; `first`: its first word may be one."""
    # Set behind another word, the capital of the first counts.
    adverb = re.match(r"\w+,", text)  # "However, ..."
    found = names(f"so {text}" if first and not adverb else text)
    return [name for name in found if name.lower() not in before.lower()]


def is_person(name: str) -> bool:
    """Whether a name may be somebody's: with a title, or two or more words of which none is an organisation's."""
    return bool(_TITLES.match(name)) or (2 <= len(name.split()) <= 4 and not _ORGANISATION.search(name))


def items(text: str) -> tuple[str, ...]:
    """What a text lists: lines of a list, else a run of "A, B and C", names before others; nothing if there is none."""
    return _lines(text) or listed_names(text) or _run_of_phrases(text)


def _lines(text: str) -> tuple[str, ...]:
    """Lines behind one that ends in a colon, or with a bullet or number before them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    opened = next((at for at, line in enumerate(lines) if line.endswith(":")), None)
    listed = [match[1] for line in lines if (match := _BULLET.match(line))]
    if len(listed) < 2 and opened is not None:
        listed = lines[opened + 1 :]
    return tuple(line.rstrip(" .;,") for line in listed) if len(listed) > 1 else ()


def listed_names(text: str) -> tuple[str, ...]:
    """The longest run of names, two or more, in a text; the first of those of one length."""
    known = sorted(names(f"so {text}"), key=len, reverse=True)
    found = re.finditer("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in known), text) if known else ()
    runs: list[list[str]] = [[]]
    end = 0
    for match in found:
        if not _BETWEEN_NAMES.fullmatch(text[end : match.start()]):
            runs.append([])
        runs[-1].append(match.group())
        end = match.end()
    longest = max(runs, key=len)
    return tuple(longest) if len(longest) > 1 else ()


def _run_of_phrases(text: str) -> tuple[str, ...]:
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        pieces = re.split(r",\s+(?:and |or )?|\s+(?:and|or)\s+", sentence.strip().rstrip(".?!"))
        if len(pieces) > 1:
            pieces[0] = _STARTS_ITEM.sub("", pieces[0])
            found = tuple(_ARTICLE.sub("", _STOPS_ITEM.sub("", piece)).strip() for piece in pieces)
            if all(0 < len(piece.split()) <= LONGEST_ITEM and not _NO_ITEM.match(piece) for piece in found):
                return found
    return ()
