"""Text that a person typed or pasted, as the lines of a manifest."""

from collections.abc import Mapping
from typing import Any

import orjson

from batches.manifest.body import input_object
from batches.manifest.problems import InvalidManifest, Problem, Problems
from batchrouter.kit import strict_json


def item_lines(text: str) -> bytes:
    """Return items that were pasted: lines as they stand, a JSON list one item a line.

    Lines are not checked here; a list's items have their place, from 1, as their line.

    Raises:
        InvalidManifest: a list that is not JSON, or a whole manifest.
    """
    data = text.encode(errors="surrogatepass")
    try:
        found = strict_json.loads(data)
    except strict_json.StrictJsonError as error:
        if text.lstrip().startswith("["):
            raise _refusal(Problem("", error.code, error.message)) from error
        return data
    if isinstance(found, dict) and "items" in found:
        message = "This is a whole manifest: paste only the list of its items."
        raise _refusal(Problem("items", "not_allowed", message))
    items = found if isinstance(found, list) else [found]
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def prompt_lines(text: str, template: Mapping[str, Any]) -> bytes:
    """Return an item for each line of text that is not blank, named by its number.

    Args:
        text: one prompt a line.
        template: an item; each line takes the place of the text in its ``input``.
    """
    body = input_object(template["input"])
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
    return b"".join(
        orjson.dumps(
            {
                **template,
                "customer_item_id": f"line-{number}",
                "input": {**body, "input": line.strip()},
            }
        )
        + b"\n"
        for number, line in lines
        if line.strip()
    )


def _refusal(problem: Problem) -> InvalidManifest:
    problems = Problems()
    problems.add(problem)
    return InvalidManifest.of(problems)
