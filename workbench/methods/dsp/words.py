"""Words that carry no content, and words after which a noun phrase ends or begins."""

from __future__ import annotations


def _read(words: str) -> frozenset[str]:
    return frozenset(words.split())


DETERMINERS = _read(
    "a an the this that these those his her its their our my your each every some any no both "
    "all another such"
)
NUMBERS = _read("one two three four five six seven eight nine ten 1 2 3")
PRONOUNS = _read(
    "i me we us you he him she it they them who whom whose which what itself himself herself "
    "themselves someone anyone everyone nobody nothing something anything everything"
)
PREPOSITIONS = _read(
    "of in on at to for from with by about into onto over under after before between through "
    "during against without within across behind beyond along among around near past per since "
    "until upon toward towards off out up down above below beside inside outside despite amid "
    "like unlike via as than"
)
CONJUNCTIONS = _read(
    "and or but nor so yet because although though while whereas if unless whether when where "
    "why how once"
)
AUXILIARIES = _read(
    "is are was were be been being am has have had having do does did doing will would shall "
    "should can could may might must cannot"
)
ADVERBS = _read(
    "not only also too very just even still already again now then there here more most less "
    "least much many few several other others same own about nearly almost later earlier soon "
    "ago far instead however meanwhile never always often ever twice away back together yesterday "
    "today tomorrow tonight either neither else rather quite perhaps enough"
)
REPORTING = _read(
    "said says say told tells tell added adds add called calls call made makes make got gets get "
    "went goes go came comes come took takes take gave gives give found finds find kept keeps "
    "keep left leaves leave put puts set sets let lets ran runs run saw sees see wrote writes "
    "began begins begin became becomes become held holds hold brought brings bring paid pays "
    "lost loses lose won wins met meets built builds sent sends spent spends stood stands fell "
    "falls grew grows knew knows thought thinks felt feels heard hears read led leads rose rises "
    "drew draws cut hit cost costs broke breaks broken taken given shown seen done gone known "
    "grown driven written chosen turned turns need needs want wants plan plans hope hopes expect "
    "expects warn warns show shows open opens close closes remain remains stay stays include "
    "includes offer offers ask asks use uses move moves cover covers sold sells bought buys "
    "caught teach taught slept swam flew blamed think beat beats visit drops survive"
)
STOP_WORDS = (
    DETERMINERS
    | NUMBERS
    | PRONOUNS
    | PREPOSITIONS
    | CONJUNCTIONS
    | AUXILIARIES
    | ADVERBS
    | frozenset({"s", "t", "mr", "mrs", "ms", "dr"})
)
"""What a keyword never is on its own."""
