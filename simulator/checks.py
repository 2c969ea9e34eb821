"""Strict checks of request bodies, refused in the words OpenAI uses."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.wire import ApiError, Json

Check = Callable[[str, Any], None]

_SAID: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def wrong_type(param: str, expected: str, value: Any) -> ApiError:
    """Return the refusal for a value of the wrong type."""
    got = _SAID.get(type(value), "something else")
    return ApiError(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=param,
    )


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """Return a 400 refusal about one parameter."""
    return ApiError(400, message, code=code, param=param)


def missing(param: str) -> ApiError:
    """Return the refusal for a parameter that is not there."""
    return invalid(
        param, f"Missing required parameter: '{param}'.", "missing_required_parameter"
    )


def string(param: str, value: Any) -> None:
    """Refuse anything but a string."""
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)


def boolean(param: str, value: Any) -> None:
    """Refuse anything but true or false."""
    if not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)


def obj(param: str, value: Any) -> None:
    """Refuse anything but an object."""
    if not isinstance(value, dict):
        raise wrong_type(param, "an object", value)


def array(param: str, value: Any) -> None:
    """Refuse anything but a list."""
    if not isinstance(value, list):
        raise wrong_type(param, "an array", value)


def anything(_param: str, _value: Any) -> None:
    """Accept every value."""


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Return a check for whole numbers from ``low`` to ``high``."""

    def check(param: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(param, "an integer", value)
        _within(param, value, low, high)

    return check


def number(low: float, high: float) -> Check:
    """Return a check for numbers from ``low`` to ``high``."""

    def check(param: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(param, "a decimal", value)
        _within(param, value, low, high)

    return check


def choice(*options: str) -> Check:
    """Return a check for one of ``options``."""

    def check(param: str, value: Any) -> None:
        string(param, value)
        if value not in options:
            listed = ", ".join(f"'{option}'" for option in options)
            raise invalid(
                param, f"Invalid value: '{value}'. Supported values are: {listed}."
            )

    return check


def metadata(param: str, value: Any) -> None:
    """Refuse more than 16 pairs, keys over 64 and values over 512 characters."""
    obj(param, value)
    if len(value) > 16:
        raise invalid(param, f"Invalid '{param}': too many properties (16 allowed).")
    for key, text in value.items():
        string(f"{param}.{key}", text)
        if len(key) > 64 or len(text) > 512:
            raise invalid(param, f"Invalid '{param}': key or value is too long.")


def check_keys(body: Json, table: Mapping[str, Check], *, at: str = "") -> None:
    """Check every key of ``body`` by ``table``; null means the key is not set.

    Raises:
        ApiError: 400 ``unknown_parameter`` or what the key's own check says.
    """
    for key, value in body.items():
        check = table.get(key)
        param = f"{at}.{key}" if at else key
        if check is None:
            raise invalid(param, f"Unknown parameter: '{param}'.", "unknown_parameter")
        if value is not None:
            check(param, value)


def require(body: Json, *keys: str, at: str = "") -> None:
    """Refuse a body without one of ``keys``."""
    for key in keys:
        if body.get(key) is None:
            raise missing(f"{at}.{key}" if at else key)


def _within(param: str, value: float, low: float | None, high: float | None) -> None:
    if low is not None and value < low:
        raise invalid(
            param,
            f"Invalid '{param}': integer below minimum value. Expected a value >= "
            f"{low}, but got {value} instead.",
            "integer_below_min_value",
        )
    if high is not None and value > high:
        raise invalid(
            param,
            f"Invalid '{param}': integer above maximum value. Expected a value <= "
            f"{high}, but got {value} instead.",
            "integer_above_max_value",
        )
