"""Golden items: the customer knows the right answer, so the lane is scored by it.

Pure: what was expected and what came go in, a verdict comes out.
"""

from collections.abc import Mapping
from typing import Any, Final

from batches.answer_json import read_json
from batches.manifest import schemas
from routing.contracts import Output

MATCHES: Final = ("exact", "json", "contains", "regex")
# One item in so many may be golden. They are not charged, and a twentieth is what the
# service fee (5.9 %) pays for.
ITEMS_PER_GOLDEN: Final = 20


def is_right(golden: Mapping[str, Any], output: Output, parsed_json: Any) -> bool:
    """Tell whether an answer is the expected one.

    Args:
        golden: the item's ``golden``, as accepted by the manifest.
        output: the provider's answer; one without text is wrong.
        parsed_json: what the checks read from it, if they did.
    """
    text, expected = output.text or "", golden["expected"]
    match golden.get("match", "exact"):
        case "json":
            value = parsed_json
            if value is None:
                value = read_json(text, may_repair=output.finish_reason != "length")[0]
            return _are_equal(value, expected)
        case "contains":
            return expected in text
        case "regex":
            return schemas.regex_misfit(expected, text) is None
        case _:
            return bool(text.strip() == expected.strip())


def _are_equal(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 is 1.0, but true is not 1; keys have no order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _are_equal(value, other[name]) for name, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return bool(one == other)
