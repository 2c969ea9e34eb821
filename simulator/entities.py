"""Facts a text states plainly: addresses, amounts, dates, names and numbers."""

import re
from collections.abc import Iterable
from functools import cached_property

from simulator.text import STOPWORDS, keywords, sentences

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+")
_URL = re.compile(r"https?://[^\s<>\"')\]]{1,500}")
_PHONE = re.compile(r"\+?\d[\d ()-]{6,18}\d")
_AMOUNT = re.compile(
    r"(?:[$€£]|\b(?:USD|EUR|GBP)\s?)\s?(\d[\d,]*(?:\.\d+)?)"
    r"|(\d[\d,]*(?:\.\d+)?)\s?(?:USD|EUR|GBP|dollars|euros|pounds)\b",
    re.IGNORECASE,
)
_MONTHS_TEXT = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = _MONTHS_TEXT.split()
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_WORD_DATE = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)?\s+)?"
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
    r"(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?,?\s+(\d{4})\b"
)
_NAME = re.compile(r"\b[A-Z][a-z]+(?:\s+(?:[A-Z]\.|[A-Z][a-z]+)){1,3}\b")
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?\b")
_REFERENCE = re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z]{1,6}-?\d[A-Z0-9-]{1,20}\b|#\d{2,12}")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}


class Entities:
    """Entities of one text, found when first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def emails(self) -> list[str]:
        return _unique(_EMAIL.findall(self.text))

    @cached_property
    def urls(self) -> list[str]:
        return _unique(url.rstrip(".,") for url in _URL.findall(self.text))

    @cached_property
    def phones(self) -> list[str]:
        return _unique(_PHONE.findall(self.text))

    @cached_property
    def amounts(self) -> list[float]:
        pairs = _AMOUNT.findall(self.text)
        return [float((a or b).replace(",", "")) for a, b in pairs]

    @cached_property
    def currency(self) -> str:
        for sign, name in _CURRENCIES.items():
            if sign in self.text or name in self.text:
                return name
        return "USD"

    @cached_property
    def dates(self) -> list[str]:
        iso = ["-".join(parts) for parts in _ISO_DATE.findall(self.text)]
        return _unique(iso + [_iso_date(*p) for p in _WORD_DATE.findall(self.text)])

    @cached_property
    def names(self) -> list[str]:
        found = (_without_opening(name) for name in _NAME.findall(self.text))
        return _unique(name for name in found if " " in name)

    @cached_property
    def numbers(self) -> list[float]:
        return [float(n) for n in _NUMBER.findall(self.text)[:50]]

    @cached_property
    def references(self) -> list[str]:
        return _unique(_REFERENCE.findall(self.text))

    @cached_property
    def sentences(self) -> list[str]:
        return sentences(self.text)

    @cached_property
    def keywords(self) -> list[str]:
        return keywords(self.text, 12)


def _unique(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))[:50]


def _without_opening(name: str) -> str:
    parts = name.split()
    while parts and parts[0].lower() in STOPWORDS | {"dear", "hello", "hi"}:
        parts = parts[1:]
    return " ".join(parts)


def _iso_date(day_first: str, month: str, day_last: str, year: str) -> str:
    day = min(int(day_first or day_last or 1), 28 if month == "Feb" else 30) or 1
    return f"{year}-{_MONTHS.index(month.lower()) + 1:02d}-{day:02d}"
