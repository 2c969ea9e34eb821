"""Text that a person typed or pasted, as items with the lines they stand on."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from batches.manifest.body import input_object
from batches.manifest.lines import split_lines
from batches.manifest.problems import InvalidManifest, Problem, Problems
from batches.manifest.reader import Made
from batchrouter.kit import strict_json

_BETWEEN: Final = re.compile(r"[\s,]*")
_NOT_UTF8: Final = Problem("", "not_utf8", "The line is not UTF-8: save it as UTF-8.")
_TOO_LONG: Final = Problem("", "line_too_long", "A line may have 1 MiB at most.")


def whole_json(text: str) -> list[Made] | None:
    """Return the items of a JSON list, or the one item that a text is.

    None where the text is no JSON value: it may be a file of lines.

    Raises:
        InvalidManifest: a list that is not JSON, or a whole manifest.
    """
    try:
        found = strict_json.loads(text.encode(errors="surrogatepass"))
    except strict_json.StrictJsonError as error:
        if text.lstrip().startswith("["):
            cause = error.__cause__
            line = cause.lineno if isinstance(cause, orjson.JSONDecodeError) else None
            raise _refusal(Problem("", error.code, error.message), line) from error
        return None
    if isinstance(found, dict) and "items" in found:
        message = "This is a whole manifest: paste only the list of its items."
        raise _refusal(Problem("items", "not_allowed", message), None)
    is_list = isinstance(found, list)
    items = found if is_list else [found]
    places = _first_lines(text, of_list=is_list, count=len(items))
    return list(zip(places, items, strict=True))


def _first_lines(text: str, *, of_list: bool, count: int) -> Iterator[int]:
    """Yield the lines on which the values of a JSON text begin."""
    decoder = json.JSONDecoder()
    place = text.index("[") + 1 if of_list else 0
    line, counted = 1, 0
    for _ in range(count):
        between = _BETWEEN.match(text, place)
        start = place if between is None else between.end()
        line += text.count("\n", counted, start)
        yield line
        counted = start
        _, place = decoder.raw_decode(text, start)


def prompts(
    lines: Iterable[tuple[int, str | Problem]], template: Mapping[str, Any]
) -> Iterator[Made]:
    """Yield an item for each line of text that is not blank, named by its number.

    Args:
        lines: one prompt a line, with its number.
        template: an item; each line takes the place of the text in its ``input``.
    """
    body = input_object(template["input"])
    for number, text in lines:
        if isinstance(text, Problem):
            yield number, text
        elif text.strip():
            item = {
                **template,
                "customer_item_id": f"line-{number}",
                "input": {**body, "input": text.strip()},
            }
            yield number, item


def text_lines(source: Iterable[bytes]) -> Iterator[tuple[int, str | Problem]]:
    """Yield the lines of a file with their numbers, or why one cannot be read."""
    for number, _, data in split_lines(source):
        if data is None:
            yield number, _TOO_LONG
            continue
        try:
            yield number, data.decode()
        except UnicodeDecodeError:
            yield number, _NOT_UTF8


def _refusal(problem: Problem, line: int | None) -> InvalidManifest:
    problems = Problems()
    problems.add(problem, line=line)
    return InvalidManifest.of(problems)
