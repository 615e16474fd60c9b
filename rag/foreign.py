"""Is a question in a language that the models read? Told from its script, its function words and the tokenizer.

A language is known by its function words, which a question can hardly do without (Dunning 1994, "Statistical
identification of language", compares such methods); where the words are too few to tell, a question passes for English:
to refuse a good question is worse than to find nothing for one that cannot be read.
"""

from __future__ import annotations

import re

from rag.language import FUNCTION_WORDS
from rag.ports import Embedder

UNSUPPORTED_LANGUAGE = "unsupported_language"

_LETTER = r"A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"
_LATIN = re.compile(rf"[{_LETTER}]+(?:['’][{_LETTER}]+)*")
_OTHER = re.compile(rf"(?:(?![{_LETTER}])[^\W\d_])+")
# What is quoted may be in any language; Spanish alone opens a question with a mark.
_QUOTED = re.compile(r"[\"“”«»][^\"“”«»]{1,80}[\"“”«»]")
_SPANISH = re.compile(r"[¿¡]")
# Words of several letters that one who reads the language has as a whole, and an English model in pieces.
PROBES = (
    "также которые является werden können nicht sondern también desde avec être sono quando jest które przez için"
    " olarak değil của không được voor niet"
).split()
# Function words of languages in Latin script, without what is English as well.
_FOREIGN = frozenset(
    # German, Dutch
    "wer wie wo wann warum wieso welche welcher welches wem wen wessen ist sind war waren wird werden wurde"
    " wurden hat haben hatte kann können der die das dem den des ein eine einen einem einer und oder nicht auch"
    " mit für von zu zum zur im ins kostet kommt heißt liegt leitet auf aus bei nach über unter wieviel viele gibt"
    " es sich ich sie wir ihr uns unser de kost wie waar wanneer waarom hoe hoeveel welke wat zijn werd heeft"
    " hebben het een en niet ook met voor van bij naar over onder deze dit dat wordt kunnen ons"
    # French, Italian
    " qui que quoi quel quelle quels quelles où quand comment pourquoi combien est sont était étaient été ont"
    " avait avez le la les un une des du et ou ne pas aussi avec pour dans par chez cette ces ses leur leurs nous"
    " vous ils elles c'est qu'est-ce est-ce chi che cosa quale quali dove perché quanto quanti quante sono era"
    " erano ha hanno il lo gli della delle dello dei degli nel nella nei con uno una anche essere può cos'è qual"
    # Spanish, Catalan, Portuguese
    " quién quiénes qué cuál cuáles dónde cuándo cómo cuánto cuántos cuántas por es son fue fueron está están"
    " tiene tienen el los las unos unas del al y o también para con se su sus hay quien que cual donde cuando como"
    " cuanto cuantos porque qui quin quina quan quants on és són va van amb per els les quem quais onde quando"
    " quantos quantas é são foi foram está tem têm o os um uma uns umas da do das dos na no nas nos em com não"
    " também ao à pelo pela"
    # Swedish, Norwegian, Danish, Finnish
    " vem vad var när varför hur många vilken vilka vilket är och inte också med för av på till från som ett det"
    " den kan har hvem hva hvor når hvorfor hvordan mange hvilken hvilke er og ikke også på til fra hvad hvornår"
    " blev kuka mikä missä milloin miksi miten kuinka montako monta onko oli ovat eivät ja myös että se"
    # Polish, Czech, Hungarian, Romanian
    " kto co gdzie kiedy dlaczego jak ile jaki jaka jakie który która które jest są był była było się nie na w z"
    " od do dla czy przez kdo kde kdy proč kolik jaký jaká jaké který která je jsou byl byla bylo ne také ve pro"
    " při ki mi hol mikor miért hogyan hány melyik az egy és nem van vannak volt cine ce unde când cum câți câte"
    " care este sunt era și nu cu pe din pentru"
    # Turkish, Indonesian, Vietnamese, Filipino, Swahili
    " kim ne nerede nereye zaman neden niçin nasıl kaç hangi bir ve değil ile için bu mi mı mu mü siapa apa di"
    " mana kapan mengapa kenapa bagaimana berapa yang adalah dan tidak dengan untuk dari ke ini itu ai gì đâu nào"
    " khi tại sao bao nhiêu là và không của cho với được những các ở sino ano saan kailan bakit paano ilan ang mga"
    " ng sa ay hindi nani nini wapi lini jinsi ngapi ni na ya wa kwa katika".split()
)
# In English names: "Rio de Janeiro", "Ludwig van Beethoven". Alone they tell nothing.
_IN_NAMES = frozenset(
    "ai al ang as chi co con da dan das dat de dei del della den der des di die do dos du e el en era et i il ile"
    " in kim la las le les lo los mana mange med met mi mu na ne ni no nos o on os ou over per por pro sa san se"
    " ser sino son sus un una under uno va van ve von w wa war wat wen y ya z zu zum zur ways".split()
)
# English, but also the commonest words of others.
_ALSO_FOREIGN = frozenset("a an as do for had has he her i in me no of on or so".split())
# Words that no text of these languages goes without, beside names in other scripts none needs.
_FOREIGN_MARKS = re.compile(
    r"[はをがのにでへとも](?=[^\u3040-\u309f]|$)|です|ます|した|[何誰]|どこ|いつ|なぜ|どの|[的是吗嗎么麼哪谁怎什了在]|[은는이가을를의에](?=\s|$)"
    r"|(?:까요|습니다|나요|입니까)"
)
# Pieces a word, on average, from which on the tokenizer does not know a text.
UNKNOWN_PIECES = 2.0
FEW_WORDS = 4


def reads_many_languages(embedder: Embedder) -> bool:
    """Whether a model's vocabulary has words of several languages whole, not only those of English."""
    whole = sum(pieces == 1 for pieces in embedder.count_tokens(PROBES))
    return whole >= len(PROBES) / 2


class LanguageGate:
    """Says in one sentence why a question cannot be read, where it cannot."""

    def __init__(self, embedder: Embedder, embedder_reads_all: bool, reader_reads_all: bool) -> None:
        """What a model does not read in all languages it reads in English."""
        self._embedder = embedder
        self._embedder_reads_all = embedder_reads_all
        self._reader_reads_all = reader_reads_all

    def __call__(self, question: str) -> str | None:
        """What to tell who asked; None for a question that the models read."""
        if self._embedder_reads_all and self._reader_reads_all:
            return None
        if not self.is_foreign(question):
            return None
        if self._embedder_reads_all:
            return (
                "The passages nearest to this question are listed, but what finds answers in them reads English only."
                " Ask in English, or set RAG_READER_MODEL to a reader of this language."
            )
        return (
            "This question seems to be in a language that the embedding model does not read. Ask in English, or set"
            " RAG_EMBEDDING_MODEL to a multilingual model and run `mission-record ingest`."
        )

    def is_foreign(self, question: str) -> bool:
        """Whether a question is in another language than English; names of any language are none."""
        if _SPANISH.search(question):
            return True
        text = _QUOTED.sub(" ", question)
        latin, others = _LATIN.findall(text), _OTHER.findall(text)
        english = [
            word for word in map(str.lower, latin) if word in FUNCTION_WORDS - _FOREIGN - _ALSO_FOREIGN
        ]
        if sum(map(len, others)) > sum(map(len, latin)) / 2:
            return not english
        if any(_FOREIGN_MARKS.search(run) for run in others) and not english:
            return True
        return self._is_foreign_latin(latin, len(english))

    def _is_foreign_latin(self, words: list[str], english: int) -> bool:
        foreign = [word for word in words if word.lower() in _FOREIGN]
        telling = [word for word in foreign if word.lower() not in _IN_NAMES]
        if telling and len(foreign) >= 2 and len(foreign) > english:
            return True
        # Without those with a capital: names are in pieces too.
        rest = [word for word in words if word.islower() and word.lower() not in _FOREIGN | FUNCTION_WORDS]
        pieces = self._embedder.count_tokens(rest)
        if english or not rest:
            return False
        if telling:
            return max(pieces) > 1
        accented = any(not word.isascii() for word in rest)
        return accented and len(words) >= FEW_WORDS and sum(pieces) >= UNKNOWN_PIECES * len(pieces)
