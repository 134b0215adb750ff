"""Spans that patterns find, and how they are merged with those that a classifier found.

Telephone numbers are `phonenumbers`' business. The rest are small patterns of our own: Presidio's recognisers come only
with spaCy (and need a model to be any good), python-stdnum brings 3 MB for the two check digits wanted here, and
dateparser's search takes "may" and "sun" for dates. What a pattern cannot know (names, places, conditions) is left to
the classifier.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import phonenumbers

from classifiers.labels import Span, SpanType

SHORTEST = 7  # digits of a telephone number
MOST = 1000  # tried in a text, so that a row of them holds nothing up; no comment of 3,700 with numbers needs over 50
REGIONS = ("US", "GB")  # whose numbers are read without a country code; others are too where they start with +
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
NUMERIC = r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[/-]\d{1,2}[/-]\d{1,2}"
WRITTEN = (
    rf"\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{MONTH}(?:,?[ -]\d{{4}})?|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
)
DATED = re.compile(NUMERIC)
STREET = (
    r"street|st|road|rd|avenue|ave|lane|ln|close|drive|dr|court|ct|crescent|cres|terrace|gardens?|grove|place|pl|rise"
    r"|row|square|sq|walk|way|hill|boulevard|blvd|parade|mews|yard|park|green|track|highway|hwy"
)
# Handles of these are no person's.
PUBLIC = re.compile(
    r"nhs|hosp|clinic|surgery|health|medical|pharm|dental|care|trust|centre|center|charity|foundation|society|college"
    r"|univ|school|news|official|support|help|gov|police|council|bbc|cnn|who$|cdc|fda|boots|twitter|youtube|instagram"
    r"|facebook|everyone|here$|channel|admin|mods?$"
)


class Pattern(NamedTuple):
    """What group `it` of `regex` (or all of it) is, where `holds` of its text."""

    type: SpanType
    regex: re.Pattern[str]
    holds: Callable[[str], bool] = bool


def _pattern(type_: SpanType, regex: str, holds: Callable[[str], bool] = bool) -> Pattern:
    return Pattern(type_, re.compile(regex, re.IGNORECASE), holds)


def _nhs(text: str) -> bool:
    """The check digit of an NHS number: weights 10 to 2, modulo 11."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    return sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0


def _personal(handle: str) -> bool:
    return not PUBLIC.search(handle.lower())


PATTERNS = (
    # These two begin where a word does: a long row of letters must not cost its square
    _pattern(SpanType.CONTACT, r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _pattern(SpanType.CONTACT, r"(?:https?://)?(?:wa|t|m|fb|ig)\.me/\w\S*|(?:https?://)?linktr\.ee/\S+"),
    _pattern(SpanType.CONTACT, r"(?<![\w#.])\.*(?P<it>\w[\w.]{2,}#\d{4})\b"),  # Discord, as it was
    _pattern(
        SpanType.CONTACT,
        r"\b(?:whats ?app|telegram|tg|snap(?:chat)?|insta(?:gram)?|ig|kik|signal|wechat|skype|cash ?app|discord)\b"
        r"(?: (?:me|at|on|is|him|her|name|id))*\s?[:@=>-]+\s?(?P<it>[@$]?\w[\w.]{2,})",
    ),
    _pattern(SpanType.PERSON, r"(?<![\w.@/])(?P<it>@\w[\w.]*\w)", _personal),
    _pattern(SpanType.RECORD, r"\b[1-9]\d{2}[ -]?\d{3}[ -]?\d{4}\b", _nhs),
    _pattern(SpanType.RECORD, r"\b\d{3}-\d{2}-\d{4}\b"),  # US social security
    _pattern(
        SpanType.RECORD,
        r"\b(?:mrn|uhid|nhs|hosp(?:ital)?|patient|record|chart|case|claim|policy|member(?:ship)?|insurance|medic(?:are|aid)"
        r"|aadhaar|passport|order|booking|account|file|ref(?:erence)?|prescription|rx|pps|hn|card)\b[ .:]{0,2}"
        r"(?:(?:numbers?|no|num|nr|id|ref|card)\b)?[ .:#]{0,3}(?:is |was )?"
        r"(?P<it>#?(?=[\w/-]*\d)[a-z0-9](?:[\w/-]|(?<=\d) (?=\d)){2,}\w)",
        lambda it: sum(map(str.isdigit, it)) > 3,
    ),
    _pattern(
        SpanType.BIRTH_DATE,
        rf"\b(?:d\.?o\.?b\b\.?|date of birth|b(?:irth)? ?da(?:y|te)|born)[ :]*(?:is |was |on |in )*"
        rf"(?P<it>{NUMERIC}|{WRITTEN}|(?:{MONTH} )?(?:19|20)\d\d)(?!\w)",
    ),
    _pattern(SpanType.DATE, rf"(?<![\w./-])(?:{NUMERIC})(?![\w/-]|\.\d)"),
    _pattern(SpanType.DATE, rf"\b(?:{WRITTEN}|{MONTH},? (?:19|20)\d\d)\b"),
    _pattern(
        SpanType.DATE,
        rf"\b(?:in|since|from|until|till|by|late|early|during|last|next|mid|before|after) "
        rf"(?P<it>(?:19|20)\d\d|{MONTH}|christmas|xmas|easter|ramadan|eid|diwali)\b(?![-/%]|\.\d)",
    ),
    _pattern(
        SpanType.DATE,
        rf"\b(?:(?:last|next|this|since|on|by|every) )?{DAY}(?: (?:morning|afternoon|evening|night))?\b"
        r"|\b(?:today|yesterday|tomorrow|tonight)\b|\b(?:this|last|next) (?:morning|afternoon|evening|night|week"
        r"|weekend|month|year|spring|summer|autumn|fall|winter)\b"
        r"|\b(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) "
        r"(?:hours?|days?|weeks?|months?|years?|yrs?) ago\b",
    ),
    # Capitals and at least five digits, such as BMF-20-771833
    _pattern(
        SpanType.RECORD,
        r"(?-i:(?<![\w/.-])(?=[\dA-Z/-]*[A-Z])(?=(?:[A-Z/-]*\d){5})[A-Z\d]+(?:[/-][A-Z\d]+)*(?![\w/-]))",
    ),
    _pattern(SpanType.PLACE, r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}\b", lambda it: it.isupper() or " " in it),
    _pattern(
        SpanType.PLACE, r"\b(?-i:[A-Z]\d[A-Z] \d[A-Z]\d|[A-Z]\d\d ?[A-Z\d]{4}|[A-Z]{2} \d{5}(?:-\d{4})?)\b"
    ),  # CA, IE, US
    _pattern(
        SpanType.PLACE,
        r"\b(?:(?:flat|apt|apartment|unit|room|suite|lot)\.? ?\w{1,4},? )?"
        rf"\d{{1,5}}[a-z]?,? (?-i:[A-Z][\w'’]+ ){{1,3}}(?:{STREET})\b",
    ),
    _pattern(SpanType.PLACE, r"\b(?:ward|bed|room|bay|flat|apt) (?-i:[A-Z]?\d{1,3}[A-Z]?)\b"),
)


def found(text: str) -> Iterator[Span]:
    """What the patterns find in a text, overlaps included."""
    for pattern in PATTERNS:
        for match in pattern.regex.finditer(text):
            group = "it" if "it" in pattern.regex.groupindex else 0
            if pattern.holds(match[group]):
                yield Span(*match.span(group), pattern.type)
    if sum(map(str.isdigit, text)) >= SHORTEST:
        yield from _telephones(text)


def _telephones(text: str) -> Iterator[Span]:
    for region in REGIONS:
        matcher = phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.POSSIBLE, max_tries=MOST)
        for match in islice(matcher, MOST):
            around = text[max(0, match.start - 1) : match.start] + text[match.end : match.end + 1]
            long = sum(map(str.isdigit, match.raw_string)) >= SHORTEST
            if long and not around.isalnum() and not DATED.fullmatch(match.raw_string):
                yield Span(match.start, match.end, SpanType.CONTACT)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order and without overlaps.

    The longest of those that overlap wins, the first of equals; the others keep what it leaves.
    """
    owner: dict[int, Span] = {}
    by_length = sorted(enumerate(spans), key=lambda each: (each[1].end - each[1].start, -each[0]))
    for _, span in by_length:
        owner.update(dict.fromkeys(range(span.start, span.end), span))
    pieces: list[Span] = []
    for place in sorted(owner):
        span = owner[place]
        if pieces and pieces[-1].end == place and owner[place - 1] is span:
            pieces[-1] = Span(pieces[-1].start, place + 1, span.type)
        else:
            pieces.append(Span(place, place + 1, span.type))
    return tuple(pieces)
