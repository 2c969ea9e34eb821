"""Is an answer what the item asked for? The checks behind a row's ``verification``.

Pure: the item's own words, its workflow's and the output go in, a verdict comes out.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypedDict

from batches.answer_json import read_json
from batches.manifest import schemas
from routing.contracts import Output

OnFail = Literal["retry", "fallback", "review"]

_MESSAGE_LENGTH_MAX = 300
_JSON_FORMATS = ("json_object", "json_schema")
JSON_PARSE: Final = "json_parse"
_CUT_OFF: Final = "not_truncated"
_DECLINED: Final = "not_refused"


class Check(TypedDict):
    """One check of a row, with a sentence on what was found."""

    name: str
    passed: bool
    message: str


class Verification(NamedTuple):
    """The verdict on an answer.

    Attributes:
        parsed_json: the JSON in the text, where the item asked for JSON and it is.
        repaired_text: the JSON's own text, where the answer's had to be changed to
            read it.
    """

    passed: bool
    checks: tuple[Check, ...]
    parsed_json: Any = None
    repaired_text: str | None = None

    @property
    def is_repaired(self) -> bool:
        """Whether the answer is of use only because it was repaired."""
        return self.passed and self.repaired_text is not None

    @property
    def failed_names(self) -> frozenset[str]:
        """The checks that did not pass."""
        return frozenset(check["name"] for check in self.checks if not check["passed"])


def wanted_of(
    verify: Mapping[str, Any] | None, workflow: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Join what an item wants checked with what its workflow product checks.

    The item's own words win: its schema replaces the workflow's.

    Args:
        verify: the item's ``verify``.
        workflow: the ``verification`` of the product that the batch names.
    """
    wanted = dict(verify or {})
    if workflow is None:
        return wanted
    if workflow["json_schema"] is not None and "json_schema" not in wanted:
        wanted["workflow_schema"] = workflow["json_schema"]
    return {"on_fail": workflow["on_fail"], **wanted}


def on_miss(verdict: Verification, wanted: Mapping[str, Any]) -> OnFail:
    """Decide what follows from an answer that failed a check.

    Where nobody said: an answer that the model declined or that was cut off at its cap
    would come again as it is, so it goes to review; another try may mend the rest.
    """
    if "on_fail" in wanted:
        wish: OnFail = wanted["on_fail"]
        return wish
    failed = verdict.failed_names
    is_as_asked = _DECLINED in failed or (
        _CUT_OFF in failed and "not_empty" not in failed
    )
    return "review" if is_as_asked else "retry"


def check_answer(
    item_input: Mapping[str, Any] | str,
    wanted: Mapping[str, Any] | None,
    output: Output,
) -> Verification:
    """Check an answer against what its item asked for.

    A declined answer is not checked further. Neither is one where the model called
    tools and wrote nothing.

    Args:
        item_input: the item's ``input``.
        wanted: as :func:`wanted_of` returns it.
        output: the provider's answer, in our shape.
    """
    source = {"input": item_input} if isinstance(item_input, str) else item_input
    if output.embedding is not None:
        return _verdict(_vector_checks(source, output.embedding))
    if output.refusal or output.finish_reason == "content_filter":
        return _verdict([_failed(_DECLINED, "The provider declined to answer.")])
    universal = [_ANSWERED, _cut_off_check(output)]
    text = output.text or ""
    if text.strip():
        return _text_verdict(source, wanted or {}, output, universal)
    if output.tool_calls:
        return _verdict([_passed("not_empty", "The answer is tool calls."), *universal])
    return _verdict([_failed("not_empty", "The answer is empty."), *universal])


def _cut_off_check(output: Output) -> Check:
    if output.finish_reason != "length":
        return _WHOLE
    return _failed(_CUT_OFF, "The answer reached its output cap and was cut off.")


def _text_verdict(
    source: Mapping[str, Any],
    wanted: Mapping[str, Any],
    output: Output,
    universal: Sequence[Check],
) -> Verification:
    text = output.text or ""
    checks = [_HAS_TEXT, *universal]
    parsed: Any = None
    repaired: str | None = None
    form = _format(source)
    asked = _wanted_schemas(form, wanted)
    if form.get("type") in _JSON_FORMATS or asked:
        read = read_json(text, may_repair=output.finish_reason != "length")
        parsed, repaired = read.value, read.text
        check = _json_check(read.problem, read.how, parsed, form)
        checks.append(check)
        text = text if repaired is None else repaired
        if check["passed"]:
            checks += [_schema_check(name, parsed, text, its) for name, its in asked]
    checks += _length_checks(text, wanted)
    if "regex" in wanted:
        checks.append(_regex_check(text, wanted["regex"]))
    return _verdict(checks, parsed, repaired)


def _json_check(
    problem: str | None, how: str, parsed: Any, form: Mapping[str, Any]
) -> Check:
    if problem is not None:
        return _failed(JSON_PARSE, problem)
    if form.get("type") == "json_object" and not isinstance(parsed, dict):
        return _failed(JSON_PARSE, "The answer is no JSON object.")
    return _passed(JSON_PARSE, how)


def _format(source: Mapping[str, Any]) -> Mapping[str, Any]:
    text = source.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    return form if isinstance(form, Mapping) else {}


def _wanted_schemas(
    form: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """Return the schemas to meet, each once; an item's own replaces its workflow's."""
    found: list[tuple[str, Any]] = []
    if form.get("type") == "json_schema":
        found.append(("format_schema", form.get("schema")))
    if "json_schema" in wanted and wanted["json_schema"] not in dict(found).values():
        found.append(("json_schema", wanted["json_schema"]))
    if "workflow_schema" in wanted and not found:
        found.append(("workflow_schema", wanted["workflow_schema"]))
    return found


def _schema_check(name: str, parsed: Any, text: str, schema: Any) -> Check:
    misfit = schemas.compile_schema(schema).misfit(parsed, text)
    if misfit is None:
        return _passed(name, "The JSON meets the schema.")
    return _failed(name, misfit)


def _length_checks(text: str, wanted: Mapping[str, Any]) -> list[Check]:
    checks: list[Check] = []
    length = len(text)
    if "min_length" in wanted:
        least: int = wanted["min_length"]
        found = f"{length} characters, at least {least} asked."
        checks.append(_judged("min_length", found, passed=length >= least))
    if "max_length" in wanted:
        most: int = wanted["max_length"]
        found = f"{length} characters, at most {most} asked."
        checks.append(_judged("max_length", found, passed=length <= most))
    return checks


def _regex_check(text: str, pattern: str) -> Check:
    misfit = schemas.regex_misfit(pattern, text)
    if misfit is None:
        return _passed("regex", "The pattern is found in the answer.")
    return _failed("regex", misfit)


def _vector_checks(source: Mapping[str, Any], embedding: Sequence[Any]) -> list[Check]:
    vectors = embedding if embedding and isinstance(embedding[0], list) else [embedding]
    asked = source.get("input")
    count = len(asked) if isinstance(asked, list) else 1
    if not all(isinstance(vector, list) and vector for vector in vectors):
        return [_failed("not_empty", "A vector is empty.")]
    return [
        _passed("not_empty", "No vector is empty."),
        _count_check(len(vectors), count),
        _finite_check(vectors),
        _dimensions_check(vectors, source.get("dimensions")),
    ]


def _count_check(found: int, asked: int) -> Check:
    if found == asked:
        return _passed("vector_count", "There is one vector for each text.")
    return _failed("vector_count", f"{found} vectors for {asked} texts.")


def _finite_check(vectors: Sequence[Sequence[Any]]) -> Check:
    try:
        is_finite = all(all(map(math.isfinite, vector)) for vector in vectors)
    except (TypeError, OverflowError):
        is_finite = False
    if is_finite:
        return _passed("finite", "The vectors hold finite numbers only.")
    return _failed("finite", "A vector holds something else than finite numbers.")


def _dimensions_check(vectors: Sequence[Sequence[Any]], asked: int | None) -> Check:
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1:
        return _failed("dimensions", "The vectors differ in length.")
    (length,) = lengths
    if asked is None or length == asked:
        return _passed("dimensions", f"The vectors have {length} dimensions.")
    return _failed("dimensions", f"{length} dimensions, {asked} asked.")


def _judged(name: str, message: str, *, passed: bool) -> Check:
    return {"name": name, "passed": passed, "message": message[:_MESSAGE_LENGTH_MAX]}


def _passed(name: str, message: str) -> Check:
    return _judged(name, message, passed=True)


def _failed(name: str, message: str) -> Check:
    return _judged(name, message, passed=False)


def _verdict(
    checks: list[Check], parsed_json: Any = None, repaired_text: str | None = None
) -> Verification:
    passed = all(check["passed"] for check in checks)
    return Verification(passed, tuple(checks), parsed_json, repaired_text)


# Of nearly every row, so made once.
_ANSWERED = _passed(_DECLINED, "The model answered.")
_WHOLE = _passed(_CUT_OFF, "The answer ended by itself.")
_HAS_TEXT = _passed("not_empty", "The answer has text.")
