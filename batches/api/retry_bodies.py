"""The body of a retry: which items, and whether to run them at once."""

from collections.abc import Mapping
from typing import Any

from batches.manifest.items import ID_LENGTH_MAX
from batches.services.retrying import CHOSEN_MAX, ONLY_DEFAULT, STATUSES_OF, Wanted
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.fields import Fields

_CODES_MAX = 50
_CODE_LENGTH_MAX = 40


def read_retry(body: Mapping[str, Any]) -> tuple[Wanted, bool]:
    """Return what is to run again, and whether it is to be submitted.

    Raises:
        InvalidRequest: naming the field.
    """
    fields = Fields(body, "only", "error_codes", "customer_item_ids", "submit")
    only = (
        fields.choice("only", list(STATUSES_OF)) if "only" in fields else ONLY_DEFAULT
    )
    wanted = Wanted(
        only=only,
        error_codes=_texts(body, "error_codes", _CODES_MAX, _CODE_LENGTH_MAX),
        customer_item_ids=_texts(body, "customer_item_ids", CHOSEN_MAX, ID_LENGTH_MAX),
    )
    return wanted, fields.flag("submit")


def _texts(
    body: Mapping[str, Any], name: str, count_max: int, length_max: int
) -> tuple[str, ...]:
    """Return a list of different texts; nothing where the field is left out."""
    if name not in body:
        return ()
    value = body[name]
    is_list = isinstance(value, list) and 1 <= len(value) <= count_max
    if not is_list or not all(_is_word(text, length_max) for text in value):
        raise InvalidRequest(
            f"{name} is a list of 1 to {count_max:,} texts of at most {length_max} "
            "visible characters.",
            param=name,
        )
    return tuple(dict.fromkeys(value))


def _is_word(value: Any, length_max: int) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= length_max and value.isprintable()
    )
