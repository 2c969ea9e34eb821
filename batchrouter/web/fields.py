"""Reading a small JSON body field by field; what nobody asked for is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.money import MoneyFormatError, parse_usd

TEXT_MAX = 2000


class UnknownField(InvalidRequest):
    """The body has a field that this call does not take."""

    code = "unknown_field"


class Fields:
    """The fields of a body.

    Args:
        body: the JSON object that was sent.
        known: every field that the call takes.

    Raises:
        UnknownField: there is another one.
    """

    def __init__(self, body: Mapping[str, Any], *known: str) -> None:
        for name in body:
            if name not in known:
                takes = ", ".join(known) or "no fields"
                raise UnknownField(
                    f"This call does not take {name[:80]!r}; it takes {takes}.",
                    param=name[:80],
                )
        self._body = body

    def __contains__(self, name: str) -> bool:
        return name in self._body

    def text(self, name: str, *, longest: int = TEXT_MAX) -> str:
        """Return a text that must be there.

        Raises:
            InvalidRequest: it is missing, empty, too long, or no text.
        """
        value = self.optional_text(name, longest=longest)
        if not value:
            raise InvalidRequest(f"{name} is missing.", param=name)
        return value

    def optional_text(self, name: str, *, longest: int = TEXT_MAX) -> str:
        """Return a text, or an empty one where there is none.

        Raises:
            InvalidRequest: it is too long or no text.
        """
        value = self._body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidRequest(f"{name} must be text.", param=name)
        if len(value) > longest:
            raise InvalidRequest(
                f"{name} has at most {longest} characters.", param=name
            )
        return value

    def flag(self, name: str) -> bool:
        """Return true or false, false where there is none.

        Raises:
            InvalidRequest: it is neither.
        """
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise InvalidRequest(f"{name} must be true or false.", param=name)
        return value

    def nanousd(self, name: str) -> int | None:
        """Return an amount: dollars as text or as a money object; None without one.

        Raises:
            InvalidRequest: it is no amount of dollars.
        """
        value = self._body.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            Fields(value, "amount", "currency")
            is_usd = value.get("currency", "usd") == "usd"
            value = value.get("amount") if is_usd else None
        try:
            return parse_usd(value if isinstance(value, str) else "")
        except MoneyFormatError as error:
            raise InvalidRequest(
                f'{name} is dollars as text, such as "25.00".', param=name
            ) from error

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return one of some words.

        Raises:
            InvalidRequest: it is missing or another word.
        """
        value = self.text(name)
        if value not in choices:
            raise InvalidRequest(
                f"{name} must be one of {', '.join(choices)}.", param=name
            )
        return value
