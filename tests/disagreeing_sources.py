"""Pairs of sources on one subject, of which some give different figures for the same, and some only seem to.

Half of them, `development`, may be looked at when the comparison is worked on; `test` may not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A document: its title, when it was published, and what it says."""

    title: str
    published: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two documents and a question. `figures`: what each says, newest first, where they disagree."""

    name: str
    question: str
    one: Text
    other: Text
    figures: tuple[str, str] | None = None
    split: str = "development"


PAIRS = (
    # --- the same thing, another figure -------------------------------------------------------------------------
    Pair(
        "quay",
        "How much did the container quay of Elsin cost?",
        Text(
            "Elsin opens its quay",
            "2023-06-01",
            "The container quay of Elsin cost 42 million euros. The mayor cut a ribbon.",
        ),
        Text(
            "Elsin's quay, a year on",
            "2024-05-20",
            "The first ships have come. The container quay of Elsin cost 45 million euros.",
        ),
        ("45 million", "42 million"),
    ),
    Pair(
        "lighthouse",
        "How tall is the lighthouse of Varn?",
        Text(
            "Varn and its lighthouse",
            "2011",
            "The lighthouse of Varn stands 61 metres tall. It is painted white.",
        ),
        Text(
            "Walks around Varn", "2019-04", "Start at the harbour. The lighthouse of Varn is 58 metres tall."
        ),
        ("58 metres", "61 metres"),
    ),
    Pair(
        "museum",
        "When did the Museum of Glass open?",
        Text(
            "The Museum of Glass",
            "2001-03-02",
            "The Museum of Glass opened on 4 May 1988. Its halls were once a brewery.",
        ),
        Text(
            "Glass in the valley",
            "2015-10-11",
            "Blowers came from afar. The Museum of Glass was opened on 14 May 1988.",
        ),
        ("14 May 1988", "4 May 1988"),
    ),
    Pair(
        "brewery",
        "How many people does the Hollin Brewery employ?",
        Text(
            "Hollin Brewery in figures",
            "2018-02-01",
            "The Hollin Brewery employs 310 people. It brews nine beers.",
        ),
        Text(
            "A visit to Hollin Brewery",
            "2022-09-30",
            "We came on a Monday. The Hollin Brewery employs 275 people.",
        ),
        ("275", "310"),
    ),
    Pair(
        "festival",
        "How many visitors did the Lantern Festival draw?",
        Text(
            "Lanterns over Sorrel",
            "2023-11-02",
            "The Lantern Festival drew 12,000 visitors. It rained on the last evening.",
        ),
        Text(
            "Lantern Festival: a look back",
            "2023-12-15",
            "Organisers are content. The Lantern Festival drew 9,500 visitors.",
        ),
        ("9,500", "12,000"),
    ),
    Pair(
        "comet",
        "When was the comet Aldous-Bray discovered?",
        Text(
            "The comet Aldous-Bray",
            "1999-08-08",
            "The comet Aldous-Bray was discovered in 1931. It has two tails.",
        ),
        Text(
            "Comets of the century",
            None,
            "Few comets are as bright. The comet Aldous-Bray was discovered in 1934.",
        ),
        ("1931", "1934"),
    ),
    Pair(
        "bridge",
        "How long is the Marrow Bridge?",
        Text(
            "Marrow Bridge",
            "2005-05-05",
            "The Marrow Bridge is 840 metres long. Cyclists have a lane of their own.",
        ),
        Text(
            "Bridges of the delta",
            "2009-09-09",
            "The delta has eleven bridges. The Marrow Bridge is 915 metres long.",
        ),
        ("915 metres", "840 metres"),
        "test",
    ),
    Pair(
        "ferry",
        "What does a ticket for the Skaar ferry cost?",
        Text(
            "Timetable of the Skaar ferry",
            "2021-01-10",
            "A ticket for the Skaar ferry costs 12 euros. Dogs travel free.",
        ),
        Text(
            "Getting to Skaar",
            "2023-04-01",
            "The crossing is rough. A ticket for the Skaar ferry costs 15 euros.",
        ),
        ("15 euros", "12 euros"),
        "test",
    ),
    Pair(
        "orchestra",
        "How many musicians does the Veldmark Philharmonic have?",
        Text(
            "Veldmark Philharmonic",
            "2016-06-16",
            "The Veldmark Philharmonic has 84 musicians. It plays in the Kornhalle.",
        ),
        Text(
            "On tour with the Veldmark",
            "2020-02-20",
            "The tour took three weeks. The Veldmark Philharmonic has 91 musicians.",
        ),
        ("91", "84"),
        "test",
    ),
    Pair(
        "tunnel",
        "When was the Brenn Tunnel completed?",
        Text(
            "The Brenn Tunnel",
            "1995-05-01",
            "The Brenn Tunnel was completed in March 1994. Its walls are of granite.",
        ),
        Text(
            "Digging the Brenn",
            "2004-07-07",
            "Miners remember the dust. The Brenn Tunnel was finished in June 1994.",
        ),
        ("June 1994", "March 1994"),
        "test",
    ),
    Pair(
        "reactor",
        "What share of its power does Tolland get from wind?",
        Text(
            "Power in Tolland",
            "2022-01-01",
            "Tolland gets 38% of its power from wind. The rest comes from the sea.",
        ),
        Text(
            "Wind over Tolland",
            "2024-01-01",
            "Turbines line the coast. Tolland gets 52% of its power from wind.",
        ),
        ("52%", "38%"),
        "test",
    ),
    Pair(
        "library",
        "How many books does the Quillon Library hold?",
        Text(
            "Quillon Library",
            "2010-10-10",
            "The Quillon Library holds 120,000 books. Readers sit under a dome.",
        ),
        Text(
            "A dome for readers",
            "2013-03-03",
            "The dome leaks. According to its director, the Quillon Library holds 134,000 books.",
        ),
        ("134,000", "120,000"),
        "test",
    ),
    # --- not the same thing, or no other figure -----------------------------------------------------------------
    Pair(
        "fair",
        "How many people came to the Osk fair on the first day?",
        Text(
            "Osk fair opens", "2023-05-01", "On the first day 300 people came to the Osk fair. The sun shone."
        ),
        Text(
            "Osk fair goes on",
            "2023-05-02",
            "On the second day 450 people came to the Osk fair. Rain fell at noon.",
        ),
    ),
    Pair(
        "mills",
        "How many people does Abbot Mills employ?",
        Text("Abbot Mills", "2020-02-01", "Abbot Mills employs 300 people. Flour leaves by barge."),
        Text("Tanner Mills", "2021-02-01", "Tanner Mills employs 250 people. Flour leaves by train."),
    ),
    Pair(
        "zoo",
        "What does entry to the Corvin Zoo cost for adults?",
        Text(
            "Corvin Zoo",
            "2020-03-01",
            "Entry to the Corvin Zoo costs 18 euros for adults. The bears sleep until noon.",
        ),
        Text(
            "Families at the Corvin Zoo",
            "2021-03-01",
            "Entry to the Corvin Zoo costs 9 euros for children. Feeding is at four.",
        ),
    ),
    Pair(
        "delegates",
        "How many delegates attended the Rhone summit?",
        Text("Rhone summit", "2019-06-01", "The Rhone summit was attended by 160 delegates. It ended early."),
        Text(
            "Women at the Rhone summit",
            "2019-06-03",
            "Of the delegates at the Rhone summit 48 were women. Six of them spoke.",
        ),
    ),
    Pair(
        "harvest",
        "How many tonnes of pears did Lowmead harvest in 2019?",
        Text("Pears of 2019", "2019-12-01", "In 2019 Lowmead harvested 400 tonnes of pears. Wasps were few."),
        Text(
            "Pears of 2021", "2021-12-01", "In 2021 Lowmead harvested 650 tonnes of pears. Wasps were many."
        ),
    ),
    Pair(
        "hall",
        "When did the Arden Hall open?",
        Text("Arden Hall", "2002-02-02", "The Arden Hall opened on 9 March 1997. It seats nine hundred."),
        Text(
            "Halls of Arden", "2012-02-02", "Concerts are held weekly. The Arden Hall opened in March 1997."
        ),
    ),
    Pair(
        "crowd",
        "How many people saw the Pell regatta?",
        Text("Pell regatta", "2018-08-08", "The Pell regatta was seen by 1,482 people. Two boats sank."),
        Text(
            "Two boats sank at Pell",
            "2018-08-09",
            "The Pell regatta was seen by about 1,500 people. Nobody drowned.",
        ),
    ),
    Pair(
        "tower",
        "How tall is the Sable Tower?",
        Text("Sable Tower", "2003-03-03", "The Sable Tower is 120 metres tall. Its lift is slow."),
        Text(
            "Towers of Sable", "2007-07-07", "The city has three towers. The Sable Tower is 120 metres tall."
        ),
    ),
    Pair(
        "revenue",
        "What was the revenue of Nordlin Glass?",
        Text(
            "Nordlin Glass grows",
            "2022-02-02",
            "The revenue of Nordlin Glass was 80 million euros. Orders are up.",
        ),
        Text(
            "Nordlin Glass in Spain",
            "2022-03-02",
            "The revenue of Nordlin Glass in Spain was 11 million euros. A depot opens in Cadiz.",
        ),
    ),
    Pair(
        "profit",
        "What was the profit of Sutter Foods?",
        Text("Sutter Foods", "2022-02-02", "The profit of Sutter Foods was 6 million euros. Soup sold well."),
        Text(
            "Sutter Foods sells soup",
            "2022-02-09",
            "The revenue of Sutter Foods was 71 million euros. Soup sold well.",
        ),
    ),
    Pair(
        "trains",
        "When does the first train leave Ostry?",
        Text("Trains from Ostry", "2023-01-01", "The first train leaves Ostry at 5:40. It has no buffet."),
        Text(
            "Late trains from Ostry", "2023-01-02", "The last train leaves Ostry at 23:10. It has no buffet."
        ),
    ),
    Pair(
        "lake",
        "How deep is Lake Imber?",
        Text("Lake Imber", "2001-01-01", "Lake Imber is 84 metres deep. Trout live in it."),
        Text("Around Lake Imber", "2003-01-01", "Lake Imber is 14 kilometres long. A path leads around it."),
    ),
    Pair(
        "strike",
        "How many workers struck at the Garrow yard?",
        Text(
            "Strike at the Garrow yard",
            "1984-03-01",
            "At the Garrow yard 2,000 workers struck. The gates were shut.",
        ),
        Text(
            "Garrow yard: the long strike",
            "1984-04-01",
            "At the Garrow yard more than 1,900 workers struck. Soup was handed out.",
        ),
    ),
    Pair(
        "hospital",
        "How many beds does the Mercy Hospital have?",
        Text("Mercy Hospital", "2014-04-04", "The Mercy Hospital has 420 beds. Its garden is open to all."),
        Text(
            "A new wing at the Mercy",
            "2016-04-04",
            "The new wing of the Mercy Hospital has 60 beds. It faces south.",
        ),
    ),
    Pair(
        "tram",
        "How many stops does line 4 of the Ulmen tram have?",
        Text(
            "Line 4 of the Ulmen tram",
            "2015-05-15",
            "Line 4 of the Ulmen tram has 22 stops. It runs at night.",
        ),
        Text(
            "Line 7 of the Ulmen tram", "2015-05-16", "Line 7 of the Ulmen tram has 31 stops. It runs by day."
        ),
        split="test",
    ),
    Pair(
        "dam",
        "How much did the Iver dam cost?",
        Text(
            "The Iver dam", "1972-02-01", "The Iver dam cost 90 million crowns. Three villages were flooded."
        ),
        Text(
            "Planning the Iver dam",
            "1965-02-01",
            "The Iver dam was expected to cost 60 million crowns. Engineers were cheerful.",
        ),
        split="test",
    ),
    Pair(
        "shop",
        "When does the Pinder bakery open on Sundays?",
        Text(
            "Pinder bakery on Sundays",
            "2020-01-05",
            "The Pinder bakery opens at 8:00 on Sundays. Rolls sell out fast.",
        ),
        Text(
            "Pinder bakery on Mondays",
            "2020-01-06",
            "The Pinder bakery opens at 6:30 on Mondays. Bread is warm.",
        ),
        split="test",
    ),
    Pair(
        "choir",
        "How many singers does the Aune Choir have?",
        Text("Aune Choir", "2011-11-11", "The Aune Choir has 64 singers. It meets on Fridays."),
        Text(
            "Children sing in Aune",
            "2012-12-12",
            "The children's choir of Aune has 28 singers. It meets on Tuesdays.",
        ),
        split="test",
    ),
    Pair(
        "marathon",
        "Who won the Dorrit marathon?",
        Text(
            "Dorrit marathon", "2021-10-10", "Pia Lunde won the Dorrit marathon in 2:31. A dog followed her."
        ),
        Text(
            "Dorrit marathon of old",
            "1988-10-10",
            "Karl Ohm won the Dorrit marathon in 2:19. He wore borrowed shoes.",
        ),
        split="test",
    ),
    Pair(
        "island",
        "How many people live on Hesk?",
        Text("Hesk", "2020-05-05", "On Hesk live 214 people. A ship calls twice a week."),
        Text("Sheep on Hesk", "2020-06-05", "On Hesk live 1,900 sheep. Shearing is in June."),
        split="test",
    ),
    Pair(
        "school",
        "How many pupils does the Larch School have?",
        Text("Larch School", "2019-09-01", "The Larch School has nearly 700 pupils. It has a pool."),
        Text("Larch School's pool", "2019-10-01", "The Larch School has 680 pupils. The pool is heated."),
        split="test",
    ),
    Pair(
        "mine",
        "When did the Tarn mine close?",
        Text("The Tarn mine", "1993-01-01", "The Tarn mine closed in 1991. Its shafts are flooded."),
        Text("Tarn, then and now", "2001-01-01", "The Tarn mine opened in 1874. Its shafts are flooded."),
        split="test",
    ),
    Pair(
        "car",
        "How fast is the Pollux train?",
        Text("The Pollux train", "2010-01-01", "The Pollux train reaches 230 km an hour. It is silver."),
        Text(
            "Pollux in tests",
            "2009-01-01",
            "In tests the Pollux train reached 262 km an hour. It was red then.",
        ),
        split="test",
    ),
)
