"""Who disclosed about whom: whose health a text tells of, by cues that anybody can read. No model.

Asked of a text that is known to disclose something. Each cue that is found adds its weight (`subject.json`, fitted by
`classifiers/training/subject.py`); a sum between the two lines is unsure, and what is unsure gets the mildest public
consequence and a person. Whoever tells of themselves and of others tells of somebody else, who was not asked.

On 347 disclosures held out (the odd ids of corpus/requests-disclosures.jsonl):

    true / answer     oneself   somebody else   a patient   unsure      right where it answers
    oneself             163             5            0         60        of "oneself"       163 of 168 (0.97)
    somebody else         5            88            1         25        of "somebody else"  88 of  93 (0.95)

Below the 0.98 that acting alone promises: so the shipped config does nothing alone by it. `A_PATIENT` comes before the
sum, by turns of phrase of those who treat people; the rows have too few of them to measure it.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from classifiers.labels import Subject

KIN = (
    "mum mom mam mammy mama mommy mummy mother dad daddy father papa nan nana nanna gran granny grandma "
    "grandmother grandad granddad grandpa grandfather gramps sister sis brother bro son sons daughter "
    "daughters wife husband hubby missus partner boyfriend girlfriend bf gf fiance fiancee kid kids child "
    "children baby babies bub toddler newborn uncle aunt auntie aunty cousin cousins niece nephew grandson "
    "granddaughter grandchild friend friends mate flatmate roommate housemate neighbour neighbor colleague "
    "coworker boss lad lass boy girl twins bestie inlaw fella parents "
)
_KIN = "|".join(KIN.split())
_OF_ONE = r"(?:yo|y/o|yrs?|yr[- ]?olds?|years?[- ]?olds?|(?:mo|month|mth|week|wk|day)s?[- ]?olds?)"
CUES = {
    "my kin": rf"\b(?:my|our|his|her|their|me|the|a|an|ur|your)\s+(?:\S+\s+){{0,2}}?(?:{_KIN})(?:'?s)?\b",
    "kin": rf"\b(?:{_KIN})(?:'?s)?\b",
    "opens with kin": rf"^\W*(?:my\s+|our\s+)?(?:\w+\s+){{0,2}}?(?:{_KIN})(?:'?s)?\b",
    "kin has": rf"\b(?:{_KIN})\s+(?:is|was|has|had|got|gets|just|on|takes|took|died|passed|started|keeps|\d+)\b",
    "he or she": r"\b(?:he|she|hes|shes|he's|she's|him)\b",
    "his or her": r"\b(?:his|her|hers)\b",
    "they": r"\b(?:they|them|their|theyre|they're)\b",
    "so old": rf"\b\d{{1,2}}[- ]?{_OF_ONE}\b",
    "you": r"\b(?:you|your|ur|u)\b",
    "wishes": r"\b(?:get well|rip|rest in peace|prayers|praying for|congrats|congratulations|thinking of|bless)\b",
    "a handle": r"@\w+",
    "i": r"\b(?:i|im|i'm|i've|ive|i'd|i'll)\b",
    "i am or have": (
        r"\b(?:i|ive|i've|im|i'm)\s+(?:\w+\s+)?(?:am|have|had|got|get|was|take|took|on|been|feel|felt|need|started|"
        r"stopped|diagnosed|suffer|woke|lost|live|can't|cant|cannot|keep|survived|wear|use|went|came)\b"
    ),
    "me": r"\b(?:me|myself|mine)\b",
    "done to me": (
        r"\b(?:put|gave|told|diagnosed|referred|got|saved|fixed|let|makes?|made|asked|sent|prescribed)\s+me\b"
    ),
    "my thing": rf"\bmy\s+(?!(?:\w+\s+)?(?:{_KIN})\b)\w+",
    "my own": (
        r"\bmy\s+(?:own\s+)?(?:\w+\s+)?(?:"
        r"arm|back|head|heart|chest|skin|hand|hands|leg|legs|foot|feet|knee|hip|eye|eyes|ear|"
        r"ears|tooth|teeth|mouth|tongue|nose|throat|neck|stomach|tummy|belly|bowel|bladder|blood|"
        r"period|periods|hair|appointment|meds|medication|tablets|pills|dose|surgery|operation|"
        r"scan|results|test|bp|sugar|sugars|hba1c|tsh|thyroid|anxiety|depression|adhd|autism|ocd|"
        r"ptsd|cancer|diabetes|asthma|diagnosis|doctor|gp|therapist|consultant"
        r")\b"
    ),
    "we": r"\b(?:we|us|our|ours|weve|we've)\b",
    "nobody named": "",  # none of the persons above: whoever writes in telegrams, mostly of themselves
}
_PERSONS = ("kin", "he or she", "his or her", "they", "you", "i", "me", "my thing", "we", "wishes", "a handle")
_TREATS = re.compile(
    r"\b(?:(?:my|our)\s+(?:\w+\s+){0,2}?patient(?:'?s)?\b(?!\s+(?:portal|record|app))|"
    r"(?:patient|client|resident)s?\s+of\s+(?:mine|ours)|one\s+of\s+(?:my|our)\s+(?:patients|clients|residents)|"
    r"(?:i|we)\s+(?:\w+\s+)?(?:treated|admitted|discharged|operated\s+on|intubated|delivered|extracted|counselled|"
    r"counseled)\s+(?:a|an|her|him|them|this|one|the|mr|mrs|ms)\b|(?:in|on|at)\s+(?:my|our)\s+(?:clinic|ward|unit|"
    r"practice|surgery|theatre|list|shift|caseload)\s+(?:today|yesterday|tonight|this|last)|clinic\s+today:|"
    r"we\s+had\s+(?:a|an|mr|mrs|ms)\s+.{0,40}(?:at|in|on)\s+(?:\w+\s+){0,3}?"
    r"(?:ward|practice|clinic|unit|ed|icu|surgery))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """`oneself` and `somebody_else` are the sums at or below, and at or above, which the answer is given."""

    cues: dict[str, float]
    bias: float
    oneself: float
    somebody_else: float


def subject(text: str) -> Subject:
    """Whose health a disclosure tells of. `text` is best normalised."""
    if _TREATS.search(text):
        return Subject.A_PATIENT
    weights = _weights()
    total = weights.bias + sum(weights.cues[name] for name in cues(text))
    if total <= weights.oneself:
        return Subject.ONESELF
    return Subject.SOMEBODY_ELSE if total >= weights.somebody_else else Subject.UNSURE


def cues(text: str) -> set[str]:
    """The names of the cues in a text."""
    low = text.lower().replace("’", "'")
    found = {name for name, pattern in _patterns().items() if pattern.search(low)}
    return found if found.intersection(_PERSONS) else found | {"nobody named"}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in CUES.items() if pattern}


@cache
def _weights() -> Weights:
    return Weights(**json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))
