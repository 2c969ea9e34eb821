"""What the check of one item gathers on its way, and checks that fields share."""

from collections.abc import Collection, Mapping
from typing import Any

from batches.manifest.problems import Problem

PAIRS_MAX, KEY_MAX, VALUE_MAX = 16, 64, 512
_NAME_SHOWN = 64


class Findings:
    """Problems, texts to count and needs of one item, as its fields are read.

    ``texts`` are counted each; ``repeated`` are those that many items tend to share
    (instructions, schemas), whose counts are worth remembering.
    """

    __slots__ = (
        "image_count",
        "image_tokens",
        "max_output_tokens",
        "message_count",
        "needs_schema",
        "needs_tools",
        "operation",
        "problems",
        "repeated",
        "texts",
    )

    def __init__(self, operation: str = "responses") -> None:
        self.operation = operation
        self.problems: list[Problem] = []
        self.texts: list[str] = []
        self.repeated: list[str] = []
        self.message_count = 0
        self.image_count = 0
        self.image_tokens = 0
        self.needs_schema = False
        self.needs_tools = False
        self.max_output_tokens: int | None = None

    def refuse(self, field: str, code: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(field, code, message))

    def wrong_type(self, field: str, wanted: str) -> None:
        """Note a value of another type than wanted."""
        self.refuse(field, "wrong_type", f"Give {wanted}.")

    def unknown(
        self, value: Mapping[str, Any], allowed: Collection[str], path: str
    ) -> None:
        """Note every field that is not in the allow-list."""
        for name in value:
            if name not in allowed:
                shown = name[:_NAME_SHOWN]
                self.refuse(
                    join(path, shown),
                    "unknown_field",
                    f"There is no field {shown!r} here.",
                )

    def text(self, value: Any, path: str, *, length_max: int | None = None) -> bool:
        """Tell whether the value is text with something in it; note it if not."""
        if type(value) is not str:
            self.wrong_type(path, "text")
        elif not value or value.isspace():
            self.refuse(path, "empty", "Give text with something in it.")
        elif length_max is not None and len(value) > length_max:
            self.refuse(
                path, "too_long", f"At most {length_max} characters are accepted."
            )
        else:
            return True
        return False

    def word(self, value: Any, allowed: tuple[str, ...], path: str) -> bool:
        """Tell whether the value is one of a few words; note it if not."""
        if type(value) is str and value in allowed:
            return True
        self.refuse(path, "not_allowed", f"Choose one of: {', '.join(allowed)}.")
        return False

    def whole(self, value: Any, path: str, low: int, high: int) -> bool:
        """Tell whether the value is a whole number in the range; note it if not."""
        if type(value) is not int:
            self.wrong_type(path, "a whole number")
        elif not low <= value <= high:
            self.refuse(path, "out_of_range", f"Give a number from {low} to {high}.")
        else:
            return True
        return False

    def number(self, value: Any, path: str, low: float, high: float) -> bool:
        """Tell whether the value is a number in the range; note it if not."""
        if type(value) is not int and type(value) is not float:
            self.wrong_type(path, "a number")
        elif not low <= value <= high:
            self.refuse(
                path, "out_of_range", f"Give a number from {low:g} to {high:g}."
            )
        else:
            return True
        return False

    def flag(self, value: Any, path: str) -> bool:
        """Tell whether the value is true or false; note it if not."""
        if type(value) is bool:
            return True
        self.wrong_type(path, "true or false")
        return False

    def metadata(self, value: Any, path: str) -> None:
        """Check up to 16 pairs of text."""
        if type(value) is not dict:
            self.wrong_type(path, "an object of text values")
            return
        if len(value) > PAIRS_MAX:
            self.refuse(path, "too_many", f"At most {PAIRS_MAX} pairs are accepted.")
        for key, text in value.items():
            if not 1 <= len(key) <= KEY_MAX:
                self.refuse(
                    path, "too_long", f"A key has from 1 to {KEY_MAX} characters."
                )
            elif type(text) is not str:
                self.wrong_type(join(path, key), "text")
            elif len(text) > VALUE_MAX:
                self.refuse(
                    join(path, key),
                    "too_long",
                    f"At most {VALUE_MAX} characters are accepted.",
                )


def join(path: str, name: str) -> str:
    """Return the path of a field inside another."""
    return f"{path}.{name}" if path else name
