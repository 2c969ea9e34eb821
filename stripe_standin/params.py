"""Reading parameters: what they must be, and Stripe's words when they are not."""

import re
from typing import Any

from stripe_standin.wire import Json, invalid

MAX_AMOUNT = 99_999_999
MAX_METADATA_KEYS = 50
# It goes into headers: no blank, and a host that is nothing but a host.
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(?:[/?#][^\s]*)?")


def known(given: Json, *names: str) -> None:
    """Refuse a parameter that is not in ``names``; ``expand`` always is.

    Raises:
        ApiError: 400 ``parameter_unknown``.
    """
    for name in given:
        if name not in names and name != "expand":
            message = f"Received unknown parameter: {name}"
            raise invalid(message, param=name, code="parameter_unknown")


def required(given: Json, name: str, at: str = "") -> Any:
    """Return a parameter that must be there and not empty.

    Raises:
        ApiError: 400 ``parameter_missing``.
    """
    value = given.get(name)
    if value in (None, ""):
        param = f"{at}[{name}]" if at else name
        message = f"Missing required param: {param}."
        raise invalid(message, param=param, code="parameter_missing")
    return value


def group(given: Json, name: str, at: str = "") -> Json:
    """Return a parameter that must be a hash; nothing at all is an empty one.

    Raises:
        ApiError: 400 when it is a text or a list.
    """
    value = given.get(name) or {}
    if not isinstance(value, dict):
        param = f"{at}[{name}]" if at else name
        raise invalid(f"Invalid hash: {param}", param=param)
    return value


def integer(value: Any, param: str, *, least: int = 0, most: int = MAX_AMOUNT) -> int:
    """Return the whole number a text stands for.

    Raises:
        ApiError: 400 ``parameter_invalid_integer``, or out of bounds.
    """
    text = str(value)
    if isinstance(value, bool) or not text.removeprefix("-").isdecimal():
        message = f"Invalid integer: {text}"
        raise invalid(message, param=param, code="parameter_invalid_integer")
    number = int(text)
    if not least <= number <= most:
        raise invalid(
            f"Invalid {param}: must be between {least} and {most}.",
            param=param,
            code="amount_too_small" if number < least else "amount_too_large",
        )
    return number


def choice(value: Any, param: str, *options: str) -> str:
    """Return a word that must be one of ``options``.

    Raises:
        ApiError: 400 when it is another.
    """
    if value not in options:
        raise invalid(
            f"Invalid {param}: must be one of {', '.join(options)}", param=param
        )
    return str(value)


def currency(value: Any, param: str) -> str:
    """Return a three-letter currency in lower case.

    Raises:
        ApiError: 400 when it is none.
    """
    word = str(value).lower()
    if len(word) != 3 or not word.isascii() or not word.isalpha():
        raise invalid(f"Invalid currency: {value}", param=param)
    return word


def metadata(given: Json) -> dict[str, str]:
    """Return the metadata of a new object.

    Raises:
        ApiError: 400 when it is no hash of texts.
    """
    found = given.get("metadata") or {}
    if not isinstance(found, dict) or len(found) > MAX_METADATA_KEYS:
        raise invalid("Metadata must be a hash of at most 50 keys.", param="metadata")
    for key, value in found.items():
        if not isinstance(value, str) or len(key) > 40 or len(value) > 500:
            raise invalid(f"Invalid metadata: {key}", param=f"metadata[{key}]")
    return {key: value for key, value in found.items() if value}


def url(given: Json, name: str) -> str:
    """Return an address a browser can be sent to.

    Raises:
        ApiError: 400 when it is missing, neither http nor https, or no address.
    """
    value = str(required(given, name))
    if not _URL.fullmatch(value):
        raise invalid("Not a valid URL", param=name, code="url_invalid")
    return value
