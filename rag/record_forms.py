"""The ways to ask about a record, as patterns. English.

They are written in a notation of their own: words, `[what may be left out]`, `(one|or another)`, `<a piece named
below>` and `{what is to be read out}`. Every word stands for itself with a space before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = (
    rf"(?: \d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? \d{{4}}| {_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?,?)? \d{{4}}"
    r"| \d{4}(?:-\d\d(?:-\d\d)?)?)"
)

NUMBERS = {
    word: number
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), start=2
    )
}
EXTREMES = {
    **dict.fromkeys(("oldest", "earliest", "first"), "oldest"),
    **dict.fromkeys(("newest", "latest", "last", "most recent", "most recently"), "newest"),
    **dict.fromkeys(("longest", "biggest", "largest"), "longest"),
    **dict.fromkeys(("shortest", "smallest"), "shortest"),
}
# What a document says of itself or of whom it names, and how the words for it begin.
ROLES = {
    "publisher": ("publish", "outlet", "issue", "release"),
    "author": ("author", "writer", "wrote"),
    "source": ("source", "come", "stem", "originate", "from"),
    "person": ("people", "person", "individual", "who"),
    "organisation": ("organi", "institution"),
    "place": ("place", "location"),
}

SURE_NOUN = re.compile(r"documents?|files?")
_VAGUE_NOUNS = "articles?|reports?|papers?|texts?|entry|entries|publications?|sources?"
# These count only where the record has such a kind.
_KIND_NOUNS = (
    "interviews?|letters?|memos?|minutes|transcripts?|speech(?:es)?|contracts?|invoices?|e-?mails?|messages?|manuals?"
    "|guides?|forms?|posts?|releases?|reviews?|books?|chapters?|story|stories|poems?|recipes?|notes?|presentations?"
    "|spreadsheets?|glossary|glossaries|rosters?|overviews?|statements?|briefs?|briefings?|study|studies|policy"
    "|policies|profiles?|summary|summaries|pages?|logs?|tickets?"
)
KIND_NOUN = re.compile(_KIND_NOUNS)
# A noun for documents, with up to three words that say which.
ANY_NOUN = re.compile(
    rf"(?P<modifiers>(?: [\w'-]+){{0,3}}?)(?P<noun> (?:{SURE_NOUN.pattern}|{_VAGUE_NOUNS}|{_KIND_NOUNS}))(?= |$)",
    re.I,
)
# Words before such a noun that narrow nothing down.
NEUTRAL = frozenset(
    "a all an any available different each every existing indexed individual my of other our separate single some"
    " source stored such the their these this those total various whole your".split()
)

_PIECES = {
    "holder": "collection|archive|library|data ?base|data ?set|index|catalog|catalogue|folder",
    # What surely is the record, what may be, and what is one only beside a noun for documents.
    "own": "(the|this|your|our) [whole|entire] (record|corpus|knowledge base|document (set|collection|store))"
    "|(this|your|our|my) [whole|entire] <holder>",
    "record": "<own>|the [whole|entire] <holder>",
    "place": r"<record>|(the|this|your|our) \w+ (record|corpus)|here",
    "be": "is|are|was|were|have been|has been",
    "the": "all [of] [the|these|your|our]|the|these|your|our",
    "holds": "have|hold|contain|include|comprise|consist of|know [of|about]|store|search|read|see|cover|use"
    "|draw (on|from)|have access to|access|indexed|ingested",
    "named": "mentioned|named|discussed|referred to|cited|listed",
    "occurs": "<named>|appear|occur|come up|show up",
    "published": "published|issued|released|written|posted|sent|dated",
    "kinds": "kinds?|types?|sorts?|category|categories",
    "word": "words?|names?|terms?|phrase",
    "ask": "which|what|list|name|show|how many|who",
    "these": "them|those|these",
    "show": "list|show|name|enumerate|give|find|display|get|fetch|search for|look for",
}

_SLOTS = {
    "rest": r" .+?",
    "topic": r" .+?",
    "slot": r" .+",
    "needs": r"",
    "link": r"(?:,|,? and| but| that| which| who| also| only)*",
    "extreme": "(?:" + "|".join(f" {word}" for word in sorted(EXTREMES, key=len, reverse=True)) + ")",
    "most": r" (?:\d{1,2}|" + "|".join(NUMBERS) + ")",
    "credit": r" (?:publishers?|outlets?|authors?|writers?|sources?)",
    "named_one": r" (?:people|persons?|individuals?|who|organi[sz]ations?|institutions?|places?|locations?)",
    "preposition": r" (?:in|on|from|since|after|before|until|by|during|between)",
    "date": _DATE,
    "until": _DATE,
}
_ROLE_SLOTS = ("credit", "named_one")
_TOKEN = re.compile(r"\{[\w:]+\}|[\[\]()|]|[^\s\[\]()|{}]+")


def _pattern(template: str) -> re.Pattern[str]:
    while "<" in template:
        template = re.sub(r"<(\w+)>", lambda match: f"({_PIECES[match[1]]})", template)
    signs = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|"}
    return re.compile(
        "".join(signs.get(token) or _slot(token) or f" {token}" for token in _TOKEN.findall(template)), re.I
    )


def _slot(token: str) -> str:
    """A slot's own pattern, or for `{role:word}` that word, which says what is asked for."""
    if not token.startswith("{"):
        return ""
    name, _, word = token[1:-1].partition(":")
    if word:
        return f"(?P<{name}> {word})"
    return f"(?P<{'role' if name in _ROLE_SLOTS else name}>{_SLOTS[name]})"


@dataclass(frozen=True, slots=True)
class Tail:
    """A piece of what may follow a noun for documents.

    `selects` says what it narrows down by, `sure` that the record is meant; one that `closes` may end a free slot
    without a word that links it.
    """

    selects: str
    pattern: re.Pattern[str]
    sure: bool = False
    closes: bool = False


def _tail(selects: str, template: str, sure: bool = False, closes: bool = False) -> Tail:
    return Tail(selects, re.compile(_pattern("{link}" + template).pattern + r"(?= |$)", re.I), sure, closes)


TAILS = (
    _tail(
        "",
        "[<be>] [there] [now] [held|stored|kept|contained|included|indexed|available|listed]"
        " (in|within|inside|part of|of|across|throughout|by) <place>",
        sure=True,
        closes=True,
    ),
    _tail(
        "",
        "(do|does|can|has|have) (you|<place>) [now] <holds> [in (total|all|<record>)]",
        sure=True,
        closes=True,
    ),
    _tail("", "(have you|has <place>) got", sure=True, closes=True),
    _tail(
        "",
        "(you|<place>) (have|has|holds?|contains?|includes?|comprises?|knows? (of|about))",
        sure=True,
        closes=True,
    ),
    _tail("", "(have been|has been|were|are) (indexed|ingested)", sure=True, closes=True),
    _tail("", "makes? up <place>", sure=True),
    _tail(
        "",
        "(are there|there are|is there|exist|do we have|do i have|in all|in total|total|available)",
        closes=True,
    ),
    _tail(
        "period",
        "[<be>|come|date|dating] [<published>] [from] {preposition} [the (year|month)] {date}"
        " [(and|to|until|-) {until}]",
    ),
    _tail(
        "period",
        "[<be>] <published> {preposition} [the (year|month)] {date} [(and|to|until|-) {until}]",
        closes=True,
    ),
    _tail("period", "[<be>] dated {date}", closes=True),
    _tail(
        "not_mention",
        "(do not|does not|don't|doesn't|never|not) (mention|mentioning|name|contain|discuss|refer to) [the <word>]"
        " {slot}",
        sure=True,
    ),
    _tail(
        "mention",
        "[do|does] (mentions?|mentioned|mentioning|names?|naming|refers? to|referring to|talks? about|talking about"
        "|speaks? (of|about)|speaking (of|about)|discuss|discusses|discussed|discussing|deals? with|dealing with"
        "|(contains?|containing|includes?|including|uses?|using) the <word>|contains?|containing) {slot}",
        sure=True,
    ),
    _tail("about", "(are|is) [all] (about|concerning|related to|relating to|devoted to) {slot}", sure=True),
    _tail("about", "(about|concerning|regarding|related to|relating to|on the (subject|topic) of|on) {slot}"),
    _tail("kind", "[<be>] (of|with) [the] <kinds> {slot}", sure=True, closes=True),
    _tail("kind", "(are|is) (classified|classed|marked|tagged|filed) as {slot}", sure=True),
    _tail("known_kind", "(are|is) {slot}"),
    _tail(
        "by",
        "[<be>] (published|issued|released|written|authored|produced|posted|sent) by {slot}",
        closes=True,
    ),
    _tail("by", "[<be>|come|comes|coming|stem|originate] (from|by) {slot}"),
)


def _form(wants: str, template: str, sure: bool = False) -> tuple[str, bool, re.Pattern[str]]:
    return wants, sure, _pattern(template)


# What is asked for, whether the words leave no doubt that the record is meant, and the words. `{rest}` is a noun for
# documents and all that narrows them down, or whatever fits; the first form of which all can be understood counts.
FORMS = tuple(
    _form(wants, template, sure)
    for wants, sure, templates in (
        (
            "kinds",
            True,
            (
                "<ask> [are] [all] [the] [different|various] <kinds> of {rest}",
                "<ask> [different|various] <kinds> ((are|is) there|do you have|does <record> <holds>) [in <own>]",
                "how many {rest} (of|for|per|by|in|from) (each|every) <kinds> [are there|do you have|is there]",
                "(break|split) [down] [<the>] {rest} [down] by <kinds>",
                "[number of] {rest} (per|by) <kinds>",
            ),
        ),
        (
            "overview",
            True,
            (
                "(what is in|what's in) <record>",
                "what does <record> (contain|hold|include|consist of|comprise|have)",
                "what [documents|files] do you have [here]",
            ),
        ),
        ("count", True, ("how (big|large) is <record>",)),
        (
            "dates",
            True,
            (
                "(what|which) (dates|period|time span|time period|timespan|date range|years) [of time] (do|does|did)"
                " (<record>|[<the>] {rest}) (cover|span|date from|come from)",
                "[what is|what's|what are] [the] (date range|range of dates|time span|timespan|time period"
                "|(first|earliest) and [the] (last|latest) dates?) [covered] (of|by|in) (<record>|[<the>] {rest})",
                "(from when|from which years|when) [to when] (do|are|were) [<the>] {rest}"
                " (date|dated|from|published|come from|date from|written)",
                "how (old|recent|new|current|up to date|up-to-date) (is <record>|are [<the>] {rest})",
            ),
        ),
        (
            "extreme",
            False,
            (
                "[which|what|who] [is|are|was|were] [the|your] [{most}] {extreme} {rest}",
                "(what's|show|list|name|give|find) [me] [the|your] [{most}] {extreme} {rest}",
                "when (is|was|were|are) [the|your] {extreme} {rest} (<published>|from)",
                "how (old|recent|new|long) (is|are) [the|your] {extreme} {rest}",
                "[what is|what's] [the] (date|publication date|title|name) of [the|your] {extreme} {rest}",
                "which {rest} (is|are) [the] {extreme} [one|of all]",
                "which {rest} [was|were] (published|written|issued|released|came out|appeared) [the] {extreme}",
            ),
        ),
        (
            "credits",
            True,
            (
                "<ask> [is|are] [all] [the] [different|various] {credit} (of|behind|in|for) (<record>|[<the>] {rest})",
                "<ask> [is|are] [all] [the] [different|various] {credit} (is|are) there in (<record>|[<the>] {rest})",
                "<ask> [all] [the] [different|various] {credit} (do|does|are|is) (<record>|you)"
                " (have|hold|contain|include|use|draw on|draw from|come from|rely on|based on|cite)",
                "<ask> [different] {credit} (do|does|did|are|is) [<the>] {rest}"
                " (come from|from|come|stem from|draw on|originate from)",
                "<ask> [different] {credit} (wrote|published|issued|released) [<the>] {rest}",
                "where (do|does) (<record>|[<the>] {rest}) {role:come} from",
            ),
        ),
        (
            "credits",
            False,
            (
                "who {role:published} [<the>] {rest}",
                "who {role:wrote} [<the>] {rest}",
            ),
        ),
        (
            "most_named",
            True,
            (
                "[which|what|list] [are|is] [the] {named_one} [is|are|was|were|appears?] [<named>] [the] most"
                " [often|frequently] [<named>] (in|by|across) (<record>|[the most] [<the>] {rest})",
                "[which|what|who|list|name] [are|is] [the] most [often|frequently|commonly] <named> {named_one}"
                " (in|by|across) (<record>|[<the>] {rest})",
                "[which|what] {named_one} [is|are] (appears?|<named>) in the most {rest}",
            ),
        ),
        (
            "date_of",
            True,
            (
                "when was [the|this|that] (document|file|article|page|text) [called|titled|entitled|named] {topic}"
                " (published|written|dated|issued|released)",
                "(what is|what's) the [publication] date of the (document|file|article|page|text)"
                " [called|titled|entitled|named] {topic}",
            ),
        ),
        ("date_of", False, ("when was {topic} (published|written|dated|issued|released)",)),
        (
            "count",
            False,
            (
                "how many [of] {rest}",
                "[what is|what's|give me|tell me] [the] [total|exact|overall] (number|count) of {rest}",
                "count [<the>] {rest}",
            ),
        ),
        (
            "count",
            True,
            (
                "in how many {rest} (is|are|does|do) {topic} <occurs>",
                "how (often|many times|frequently) (is|are|was|does|do) {topic} <occurs> [anywhere]"
                " (in|by|across) (<record>|[any of] [<the>] {rest})",
            ),
        ),
        (
            "list",
            True,
            (
                "in (which|what) [of] {rest} (is|are|does|do) {topic} <occurs>",
                "(which|what) {rest} (is|are|does|do) {topic} <occurs> in",
                "where in (<record>|[<the>] {rest}) (is|are|does|do) {topic} <occurs>",
                "where (is|are|does|do) {topic} <occurs> in (<record>|[<the>] {rest})",
            ),
        ),
        (
            "whether",
            True,
            (
                "(is|are) {topic} <named> [anywhere|somewhere|at all] (in|by) (<record>|[any|any of] [<the>] {rest})",
                "(do|does) <record> [ever|anywhere] (mention|name|speak of|talk about) {topic} [anywhere|at all]",
                "do you have [any|an?|some] {rest}{needs}",
            ),
        ),
        (
            "whether",
            False,
            (
                "(is|are) there [any|an?|some] {rest}{needs}",
                "(do|does) (any|an?|one|some) [of] {rest}{needs}",
            ),
        ),
        (
            "list",
            False,
            (
                "(which|what) [of] {rest}",
                "what are [all] [the] {rest}",
                "<show> [me|us] [an?] [complete|full] [list of] {rest}",
                "[a] list of {rest}",
                "{rest}{needs}",
            ),
        ),
    )
    for template in templates
)

# What is asked for (nothing: the same as before), whether only of what was selected before, and the words.
FOLLOW_UPS = tuple(
    (wants, narrows, _pattern(template))
    for wants, narrows, template in (
        ("count", True, "how many [of] (<these>|ones) [are there] [{rest}]"),
        ("count", True, "how many [are there|are they|is (it|that)]"),
        ("count", False, "how many {rest}"),
        ("list", True, "(which|what) [of] (<these>|ones) [are (they|those)] [{rest}]"),
        ("list", True, "(which|what) (are|were) (they|those|these)"),
        ("list", True, "(which|what|which are they)"),
        ("list", True, "<show> [me] [all] [of] <these>"),
        ("list", False, "which {rest}"),
        (
            "extreme",
            True,
            "(which|what) [of] [them|those|these] (is|was|are) [the] {extreme} [one|of (them|those|these)]",
        ),
        ("extreme", True, "[what is|which is|show me] [the] {extreme} [one|of <these>]"),
        ("", True, "[what about|how about|or] {rest}"),
    )
)

# --- around the question ---------------------------------------------------------------------------------------

# What may be the record, and may be something that it speaks of.
DOUBTFUL_HOLDER = re.compile(rf" the(?: whole| entire)? ({_PIECES['holder']})\b", re.I)
EMPTY_START = re.compile(
    r"^(?:(?:any |the )?(?:information|anything|something|material|details) (?:about|on|of) "
    r"|(?:the )?(?:words?|names?|terms?|phrase|company|person|topic|subject) (?:of )?(?=[\"“A-Z]))"
)
COURTESY = re.compile(
    r"^(?: (?:hi|hello|hey|please|ok(?:ay)?|so|and|but|also|well|now|thanks|thank you|just|out of curiosity)\b[,.!:]*"
    r"| (?:can|could|would|will) you(?: please| kindly)?(?= (?:tell|show|list|give|name|say|find|count))"
    r"| i(?:'d| would) (?:like|love) to (?:know|see|find out)| i (?:want|need) to (?:know|see)| do you know"
    r"| (?:tell|show) me,?(?= (?:in )?(?:how many|which|what|when|where|who|the number)\b))+",
    re.I,
)
TRAILING = re.compile(
    r"(?:,? (?:please|thanks|thank you|exactly|overall|altogether|right now|currently|so far))+$", re.I
)

# The words that such questions are made of: the correction of spelling knows them.
WORDS = frozenset(
    "archive article articles author authors categories category collection contain corpus dated different document"
    " documents file files index issued kind kinds latest longest mention mentioned mentioning mentions named newest"
    " number oldest organisation organization people publication publications published publisher publishers recent"
    " record released report reports shortest sort source sources type types written".split()
)
