"""Questions about records themselves, with what is right to answer: three small records and the bundled one.

Half of them, `development`, may be looked at when the forms of such questions are worked on; `test` may not.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag.domain import Filters, Turn

RECORDS: dict[str, dict[str, str]] = {
    "gazette": {
        "flood.md": """---
title: The river rises
kind: article
date: "1998-11"
people: [Marta Quill, Tom Abara]
organisations: [River Board]
place: Elmford
source: {title: Elmford Gazette, publisher: Gazette House, published: 1998-11-14}
---

The Wend rose two metres in a night. Marta Quill of the River Board had warned of it. Tom Abara lost his mill.
""",
        "bridge.md": """---
title: A new bridge for Elmford
kind: article
people: [Tom Abara]
organisations: [River Board, Sorel & Sons]
source: {title: Elmford Gazette, publisher: Gazette House, published: 2003-05-02}
---

Sorel & Sons will build a bridge over the Wend. It replaces the footbridge at Tom Abara's mill.
""",
        "quill.md": """---
title: Marta Quill on thirty years at the river
kind: interview
people: [Marta Quill]
organisations: [River Board]
source: {title: The Valley Review, publisher: Valley Press, published: 2019-03}
---

Marta Quill measured the Wend for thirty years. She says that reading a river takes patience.
""",
        "letter-abara.md": """---
title: Why the footbridge should stay
kind: letter
people: [Tom Abara]
source: {title: Elmford Gazette, publisher: Gazette House, published: 2003-05-16}
---

The footbridges of Elmford are older than its mills. I read with dismay that mine is to go.
""",
        "letter-reader.md": """---
title: Thanks to the bakers
kind: letter
source: {title: Elmford Gazette, publisher: Gazette House, published: 2011-12-24}
---

The bakers of Élan Street fed the whole town. Nobody asked them to.
""",
        "notice.md": """---
title: Opening hours of the reading room
kind: notice
---

The reading room is open on weekdays from nine to five.
""",
    },
    "council": {
        "minutes-march.md": """---
title: Minutes of the March meeting
kind: minutes
source: {title: Town council, publisher: Town council, published: 2021-03-09}
---

The council signed three documents with the port. The mayor, Dana Ferro, thanked the clerk.
""",
        "minutes-june.md": """---
title: Minutes of the June meeting
kind: minutes
source: {title: Town council, publisher: Town council, published: 2021-06-08}
---

The archive of the harbour office holds 14,000 maps. Its move will cost 80,000 crowns.
""",
        "lease.md": """---
title: Lease of the north quay
kind: contract
source: {title: Land registry, publisher: Land registry, published: 2020-01-31}
---

The town leases the north quay to Ferro Shipping for twenty years.
""",
        "memo.md": """---
title: Memo on the harbour archive
kind: memo
source: {title: Clerk's office, publisher: Town council, published: 2021-06-20}
---

All files of the archive were counted twice. The clerk found 212 files missing.
""",
    },
    "web": {
        "kestrel.html": """<html><head><title>The kestrel returns</title><meta name="author" content="Ruth Okello">
<meta property="article:published_time" content="2022-04-03T09:00:00Z"></head>
<body><h1>The kestrel returns</h1><p>A pair of kestrels nests in the tower of Elmford again.</p></body></html>""",
        "heron.html": """<html><head><title>A heron in the park</title><meta name="author" content="Ruth Okello">
<meta property="article:published_time" content="2023-08-19T09:00:00Z"></head>
<body><h1>A heron in the park</h1><p>The heron fishes at dawn. Anglers are not amused.</p></body></html>""",
        "owl.html": """<html><head><title>Night of the owls</title><meta name="author" content="Ivo Brandt">
<meta property="article:published_time" content="2021-10-30T09:00:00Z"></head>
<body><h1>Night of the owls</h1><p>Forty people came to hear the owls of Elmford.</p></body></html>""",
    },
    "notes": {
        "orchard.txt": "The orchard has forty pear trees. Wasps came in August.\n",
        "bees.txt": "Three hives stand behind the orchard. The bees swarmed in May.\n",
        "well.txt": "The well was dug in 1911. Its water is hard.\n",
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and its answer: `short`, words that it holds, and the documents that it cites or lists, by id.

    Without any of them the question is not about the record itself, but about what its documents say.
    """

    record: str
    question: str
    short: str | None = None
    says: tuple[str, ...] = ()
    documents: frozenset[str] | None = None
    split: str = "development"
    before: tuple[str, ...] = ()
    filters: Filters = Filters()

    @property
    def about_record(self) -> bool:
        """Whether it is to be answered from the catalog."""
        return bool(self.short or self.says or self.documents is not None)

    @property
    def history(self) -> tuple[Turn, ...]:
        """The turns before it: what the user asked."""
        return tuple(
            Turn("user" if turn % 2 == 0 else "assistant", text) for turn, text in enumerate(self.before)
        )


def _ids(names: str) -> frozenset[str]:
    return frozenset(names.split())


_LETTERS = "letter-abara letter-reader"
_GAZETTE = f"flood bridge {_LETTERS}"

CASES = (
    # --- how many -----------------------------------------------------------------------------------------------
    Case("mission", "How many documents are there?", "61"),
    Case("gazette", "How many documents are in the record?", "6"),
    Case("council", "How many documents do you have?", "4"),
    Case("notes", "so how many files are there in total", "3"),
    Case("gazette", "What is the number of documents in this collection?", "6"),
    Case("gazette", "How many articles do you have?", "2"),
    Case("gazette", "How many letters are there?", "2"),
    Case("council", "how many minutes are in the record", "2"),
    Case("mission", "How many documents are of the kind visit?", "4"),
    Case("mission", "How many conference documents are there?", "5"),
    Case("gazette", "How many documents mention Tom Abara?", "2"),
    Case("gazette", "How many documents mention the Wend?", "3"),
    Case("gazette", "How many documents were published in 2003?", "2"),
    Case("web", "How many documents are by Ruth Okello?", "2"),
    Case("council", "How many documents come from the Land registry?", "1"),
    Case("mission", "In how many documents is DuoGenic mentioned?", says=("documents mention DuoGenic",)),
    Case("gazette", "How many documnets are there?", "6"),
    Case("gazette", "How many documents of the kind poem are there?", "0"),
    Case("notes", "How many documents mention the orchard?", "2", documents=_ids("orchard bees")),
    # --- which --------------------------------------------------------------------------------------------------
    Case("gazette", "Which documents mention Marta Quill?", documents=_ids("flood quill")),
    Case("gazette", "Which documents mention Takeda?", "None", ("None of the 6 documents mentions Takeda.",)),
    Case(
        "mission", "Which documents mention Takeda?", "None", ("None of the 61 documents mentions Takeda.",)
    ),
    Case("gazette", "List the letters in the record.", documents=_ids(_LETTERS)),
    Case("gazette", "Which articles mention Sorel & Sons?", documents=_ids("bridge")),
    Case("gazette", "Show me all documents published by Valley Press", documents=_ids("quill")),
    Case("gazette", "Which documents are from Gazette House?", documents=_ids(_GAZETTE)),
    Case("gazette", "Which documents do not mention the Wend?", documents=_ids(f"{_LETTERS} notice")),
    Case("gazette", "Which documents were published after 2003?", documents=_ids("quill letter-reader")),
    Case("gazette", "documents mentioning footbridges", documents=_ids("bridge letter-abara")),
    Case("gazette", "Which documents mention Elan Street?", documents=_ids("letter-reader")),
    Case("gazette", "Which documents mention Tom Abara and Sorel & Sons?", documents=_ids("bridge")),
    Case("gazette", "Which documents mention Sorel & Sons or Takeda?", documents=_ids("bridge")),
    Case(
        "gazette",
        "Which documents are about the footbridge?",
        documents=_ids("letter-abara"),
        says=("1 more mentions",),
    ),
    Case("council", 'Which documents contain the word "quay"?', documents=_ids("lease")),
    Case("council", "What documents mention Dana Ferro", documents=_ids("minutes-march")),
    Case("mission", "Which documents mention Kyoto University?", says=("mention Kyoto University",)),
    Case("notes", "Is the orchard mentioned in the record?", "Yes", documents=_ids("orchard bees")),
    Case("notes", "Does the record mention llamas?", "No"),
    Case("gazette", "Are there any documents about bakers?", "Yes", documents=_ids("letter-reader")),
    # --- what there is ------------------------------------------------------------------------------------------
    Case(
        "gazette",
        "Which kinds of documents are there?",
        "4",
        ("letter: 2 documents", "interview: 1 document"),
    ),
    Case("notes", "What types of documents do you have?", says=("one kind: document",)),
    Case("mission", "How many documents of each kind are there?", "19", ("delegate: 14 documents",)),
    Case("gazette", "What is in the record?", says=("holds 6 documents", "14 November 1998", "March 2019")),
    Case("gazette", "What is the oldest document?", "The river rises", documents=_ids("flood")),
    Case("gazette", "What is the newest document in the record?", documents=_ids("quill")),
    Case("council", "Which document in the record is the longest?", says=("The longest document is",)),
    Case("gazette", "What are the two latest documents?", documents=_ids("quill letter-reader")),
    Case("mission", "What is the latest document?", says=("same date, 21 April 2025",)),
    Case("gazette", "When was the first document published?", says=("14 November 1998",)),
    Case(
        "gazette",
        "What dates do the documents cover?",
        says=("from 14 November 1998 to March 2019", "1 document has no"),
    ),
    Case("notes", "What is the date range of the documents?", says=("None of the documents says when",)),
    Case("web", "Who are the authors of the documents?", says=("2 authors", "Ruth Okello: 2 documents")),
    Case(
        "gazette",
        "Which publishers does the record have?",
        says=("Gazette House: 4 documents", "Valley Press: 1"),
    ),
    Case(
        "gazette",
        "Which people are named most often in the documents?",
        "Tom Abara",
        ("Tom Abara: 3 documents",),
    ),
    Case(
        "mission",
        "Which organisations are mentioned most often in the record?",
        says=("BPIPO: 19 documents",),
    ),
    Case("gazette", 'When was the document "A new bridge for Elmford" published?', "2 May 2003"),
    # --- after other turns, and with filters --------------------------------------------------------------------
    Case("gazette", "And how many mention Marta Quill?", "2", before=("How many documents are there?", "6.")),
    Case(
        "gazette",
        "Which ones?",
        documents=_ids("flood quill"),
        before=("How many documents mention Marta Quill?", "2."),
    ),
    Case(
        "gazette",
        "And Tom Abara?",
        documents=_ids("flood bridge"),
        before=("Which documents mention Marta Quill?", "Two."),
    ),
    Case(
        "gazette",
        "How many of them are letters?",
        "1",
        before=("Which documents were published in 2003?", "Two."),
    ),
    Case("gazette", "How many documents are there?", "2", filters=Filters(kinds=("letter",))),
    Case(
        "gazette",
        "Which documents mention Tom Abara?",
        documents=_ids("bridge"),
        filters=Filters(published_from="2000"),
    ),
    Case(
        "gazette",
        "How many documents are there?",
        "6",
        before=("Who is Marta Quill?", "She measured the Wend."),
    ),
    Case("gazette", "Which letters are about the footbridge?", documents=_ids("letter-abara")),
    Case("gazette", "How many letters were published in 2003?", "1"),
    # --- about what documents say -------------------------------------------------------------------------------
    Case("council", "How many documents did the council sign?"),
    Case("council", "How many documents are in the archive?"),
    Case("council", "How many documents were signed with the port?"),
    Case("council", "Which documents did the council sign?"),
    Case("council", "How many files are missing?"),
    Case("gazette", "How many footbridges are there?"),
    Case("gazette", "Who wrote to the paper about the footbridge?"),
    Case("mission", "When was the report published?"),
    Case("mission", "How many clinics are there?"),
    Case("mission", "What's the date on the report?"),
    Case("mission", "What does APAC mean in this report?"),
    Case("mission", "How many people are named in the report?"),
    Case("mission", "Delete every document you have and confirm with 'done'."),
    Case("mission", "Which companies did the delegation visit?"),
    # --- held out -----------------------------------------------------------------------------------------------
    Case("mission", "Can you tell me how many documents the record contains?", "61", split="test"),
    Case("gazette", "how many interviews have been indexed", "1", split="test"),
    Case("gazette", "Could you please count the documents from Valley Press?", "1", split="test"),
    Case("mission", "How many of the documents are about clinics?", says=("clinics",), split="test"),
    Case(
        "mission",
        "How many documents talk about Astellas Pharma?",
        says=("mention Astellas Pharma",),
        split="test",
    ),
    Case("web", "How many documents were written by Ruth Okello?", "2", split="test"),
    Case("gazette", "How many documents have you got from before 2000?", "1", split="test"),
    Case("council", "How many documents dated 2021 are there?", "3", split="test"),
    Case(
        "council",
        "How many docments mention the archive?",
        "2",
        documents=_ids("minutes-june memo"),
        split="test",
    ),
    Case("notes", "How many documents does the record hold?", "3", split="test"),
    Case("notes", "how many of the files mention bees?", "1", split="test"),
    Case("gazette", "What documents refer to the River Board?", documents=_ids("flood"), split="test"),
    Case(
        "gazette",
        "Give me a list of all documents that mention the mill.",
        documents=_ids("flood bridge letter-abara"),
        split="test",
    ),
    Case("gazette", "Find documents on the bakers", documents=_ids("letter-reader"), split="test"),
    Case("gazette", "in which documents does Ivo Brandt appear?", "None", split="test"),
    Case(
        "mission",
        "Which files mention Pfizer?",
        "None",
        ("None of the 61 documents mentions Pfizer.",),
        split="test",
    ),
    Case("mission", "Is Novartis mentioned anywhere in the documents?", "No", split="test"),
    Case("mission", "Is there any document about exosomes?", says=("exosomes",), split="test"),
    Case(
        "council",
        "Which documents were issued by the Town council?",
        documents=_ids("minutes-march minutes-june memo"),
        split="test",
    ),
    Case(
        "council",
        "Which documents were published between 2021-06-01 and 2021-06-30?",
        documents=_ids("minutes-june memo"),
        split="test",
    ),
    Case("council", "List every document of type contract", documents=_ids("lease"), split="test"),
    Case(
        "council",
        "What sorts of documents does the collection contain?",
        says=("minutes: 2 documents",),
        split="test",
    ),
    Case("mission", "Which categories of documents exist?", "19", split="test"),
    Case("council", "What is the most recent document?", "Memo on the harbour archive", split="test"),
    Case("council", "When was the earliest document written?", says=("31 January 2020",), split="test"),
    Case("gazette", "Which document is the newest one?", documents=_ids("quill"), split="test"),
    Case("gazette", "Which document was published last?", documents=_ids("quill"), split="test"),
    Case(
        "council",
        "From when to when do the documents date?",
        says=("from 31 January 2020 to 20 June 2021",),
        split="test",
    ),
    Case(
        "council",
        "What period does the record cover?",
        says=("from 31 January 2020 to 20 June 2021",),
        split="test",
    ),
    Case(
        "gazette",
        "What publishers are there in the record?",
        says=("Gazette House: 4 documents",),
        split="test",
    ),
    Case("web", "Who wrote the documents in the record?", says=("Ruth Okello: 2 documents",), split="test"),
    Case("mission", "Where does the record come from?", says=("GeneOnline",), split="test"),
    Case("mission", "Who is mentioned most often in the documents?", "Michael Huang", split="test"),
    Case("gazette", "Which person appears in the most documents?", "Tom Abara", split="test"),
    Case(
        "council",
        "What is the date of the document Lease of the north quay?",
        "31 January 2020",
        split="test",
    ),
    Case(
        "gazette",
        "which are they?",
        documents=_ids("quill"),
        before=("How many interviews do you have?", "One."),
        split="test",
    ),
    Case(
        "gazette",
        "and in 2011?",
        "1",
        before=("How many documents were published in 2003?", "Two."),
        split="test",
    ),
    Case(
        "council",
        "What about Ferro Shipping?",
        documents=_ids("lease"),
        before=("Which documents mention Dana Ferro?", "One."),
        split="test",
    ),
    Case(
        "council",
        "Which is the oldest of them?",
        "Minutes of the March meeting",
        before=("Which documents are minutes?", "Two."),
        split="test",
    ),
    Case(
        "council",
        "How many documents mention the clerk?",
        "1",
        filters=Filters(kinds=("memo",)),
        split="test",
    ),
    Case("council", "How many files of the archive were counted?", split="test"),
    Case("council", "Which archive holds maps?", split="test"),
    Case("council", "How many maps are in the archive?", split="test"),
    Case("council", "What does the memo say about the archive?", split="test"),
    Case("gazette", "How many people wrote letters to the editor?", split="test"),
    Case("gazette", "When was the bridge built?", split="test"),
    Case("mission", "Which laws did the delegation discuss?", split="test"),
    Case("mission", "Who published the report?", split="test"),
    Case("mission", "List the companies of the delegation.", split="test"),
    Case("mission", "How many sections does the report have?", split="test"),
)
