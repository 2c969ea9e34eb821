"""The options beside an input: limits, sampling, output form, reasoning and tools."""

import re
from typing import Any

import orjson

from batches.manifest import schemas
from batches.manifest.findings import Findings

OUTPUT_TOKENS_MIN = 16  # OpenAI refuses less: shared rule of the Responses API
OUTPUT_TOKENS_MAX = 1_000_000
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
STOPS_MAX = 4
TOOLS_MAX = 128
DIMENSIONS_MAX = 8192
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_FORMAT_FIELDS = {
    "text": ("type",),
    "json_object": ("type",),
    "json_schema": ("type", "name", "description", "schema", "strict"),
}
_FUNCTION_FIELDS = ("name", "description", "parameters", "strict")

_ONE_ANSWER = "One item gives one answer; send the item again under another id."
_NO_STATE = "Items are answered on their own; nothing is kept at a provider."
_BILLED = "A provider could charge for it and we cannot price it."
_PER_PROVIDER = "Providers differ in it; leave it out."
_IS_OURS = "It is ours to set; leave it out."
UNSUPPORTED = {
    "audio": _BILLED,
    "background": "Every batch runs in the background; leave it out.",
    "best_of": _ONE_ANSWER,
    "cache_control": _PER_PROVIDER,
    "context_management": _NO_STATE,
    "conversation": _NO_STATE,
    "encoding_format": "Vectors come back as numbers.",
    "file_ids": "Files of a provider are not taken.",
    "file_search": _BILLED,
    "files": "Files of a provider are not taken.",
    "frequency_penalty": _PER_PROVIDER,
    "function_call": "Use tool_choice.",
    "functions": "Use tools.",
    "include": _BILLED,
    "input_file": "Files of a provider are not taken.",
    "logit_bias": _PER_PROVIDER,
    "logprobs": _PER_PROVIDER,
    "max_completion_tokens": "Use max_output_tokens.",
    "max_tokens": "Use max_output_tokens.",
    "max_tool_calls": _BILLED,
    "metadata": "Put it beside input, not into it.",
    "modalities": _BILLED,
    "model": "Put it beside input, not into it.",
    "n": _ONE_ANSWER,
    "parallel_tool_calls": _PER_PROVIDER,
    "prediction": _BILLED,
    "presence_penalty": _PER_PROVIDER,
    "previous_response_id": _NO_STATE,
    "prompt": "Prompts kept at a provider are not taken; use instructions.",
    "prompt_cache_key": _IS_OURS,
    "prompt_cache_retention": _BILLED,
    "reasoning_effort": "Use reasoning.effort.",
    "response_format": "Use text.format.",
    "safety_identifier": _IS_OURS,
    "seed": _PER_PROVIDER,
    "service_tier": "The sla_tier of the manifest decides; leave it out.",
    "store": _NO_STATE,
    "stream": "Results arrive as files; leave it out.",
    "stream_options": "Results arrive as files; leave it out.",
    "top_k": _PER_PROVIDER,
    "top_logprobs": _PER_PROVIDER,
    "truncation": "An input that is too long is refused, never cut.",
    "user": _IS_OURS,
    "verbosity": _PER_PROVIDER,
    "web_search_options": _BILLED,
}


def check_instructions(found: Findings, value: Any) -> None:
    """Check the instructions, which tend to repeat."""
    if found.text(value, "input.instructions"):
        found.repeated.append(value)
        found.message_count += 1


def check_max_output_tokens(found: Findings, value: Any) -> None:
    """Check the cap that the ceiling is computed from."""
    field = "input.max_output_tokens"
    if found.whole(value, field, OUTPUT_TOKENS_MIN, OUTPUT_TOKENS_MAX):
        found.max_output_tokens = value


def check_temperature(found: Findings, value: Any) -> None:
    """Check the temperature, 0 to 2."""
    found.number(value, "input.temperature", 0, 2)


def check_top_p(found: Findings, value: Any) -> None:
    """Check the nucleus, 0 to 1."""
    found.number(value, "input.top_p", 0, 1)


def check_dimensions(found: Findings, value: Any) -> None:
    """Check the length of a vector."""
    found.whole(value, "input.dimensions", 1, DIMENSIONS_MAX)


def check_stop(found: Findings, value: Any) -> None:
    """Check one stop sequence or up to four."""
    stops = value if type(value) is list else [value]
    if not 1 <= len(stops) <= STOPS_MAX:
        found.refuse("input.stop", "too_many", f"Give 1 to {STOPS_MAX} texts.")
        return
    for stop in stops:
        # A stop may be white space: a newline is the usual one.
        if type(stop) is not str or not stop:
            found.wrong_type("input.stop", "text, or a list of texts")
            return


def check_text(found: Findings, value: Any) -> None:
    """Check ``text.format``."""
    if type(value) is not dict:
        found.wrong_type("input.text", "an object with format")
        return
    found.unknown(value, ("format",), "input.text")
    path = "input.text.format"
    form = value.get("format")
    if type(form) is not dict:
        found.wrong_type(path, "an object with type")
        return
    kind: Any = form.get("type")
    if not found.word(kind, tuple(_FORMAT_FIELDS), f"{path}.type"):
        return
    found.unknown(form, _FORMAT_FIELDS[kind], path)
    if kind == "json_schema":
        _check_schema_format(found, form, path)


def _check_schema_format(found: Findings, form: dict[str, Any], path: str) -> None:
    check_name(found, form.get("name"), f"{path}.name")
    if "strict" in form:
        found.flag(form["strict"], f"{path}.strict")
    if "description" in form and found.text(form["description"], f"{path}.description"):
        found.repeated.append(form["description"])
    text = check_schema(found, form.get("schema"), f"{path}.schema")
    if text is not None:
        found.needs_schema = True
        found.repeated.append(text)


def check_name(found: Findings, value: Any, path: str) -> None:
    """Check the name of a function or schema."""
    if type(value) is not str or not _NAME.match(value):
        found.refuse(
            path, "invalid_name", "A name has 1 to 64 letters, digits, - and _."
        )


def check_schema(found: Findings, value: Any, path: str) -> str | None:
    """Compile a JSON schema and return its text, or note why not."""
    if type(value) is not dict:
        found.wrong_type(path, "a JSON schema")
        return None
    data = schemas.canonical(value)
    reason = schemas.compile_schema(value, data).reason
    if reason is not None:
        found.refuse(path, "invalid_schema", reason)
        return None
    return data.decode()


def check_reasoning(found: Findings, value: Any) -> None:
    """Check ``reasoning.effort``."""
    if type(value) is not dict:
        found.wrong_type("input.reasoning", "an object with effort")
        return
    found.unknown(value, ("effort",), "input.reasoning")
    found.word(value.get("effort"), EFFORTS, "input.reasoning.effort")


def check_tools(found: Findings, value: Any) -> None:
    """Check the functions that a model may call."""
    if type(value) is not list or not value:
        found.wrong_type("input.tools", "a list of functions")
        return
    if len(value) > TOOLS_MAX:
        found.refuse("input.tools", "too_many", f"At most {TOOLS_MAX} are accepted.")
    problems = len(found.problems)
    names = [
        _tool_name(found, tool, f"input.tools[{i}]") for i, tool in enumerate(value)
    ]
    if len(found.problems) == problems and len(set(names)) != len(names):
        found.refuse("input.tools", "duplicate", "Two functions have the same name.")
    found.needs_tools = True
    found.repeated.append(orjson.dumps(value).decode())


def _tool_name(found: Findings, tool: Any, path: str) -> str:
    kind = tool.get("type") if type(tool) is dict else None
    if type(kind) is not str:
        found.wrong_type(path, 'a function: {"type": "function", "name": …}')
    elif kind != "function":
        found.refuse(
            f"{path}.type",
            "unsupported_option",
            f"{kind[:64]!r} runs at a provider. {_BILLED}",
        )
    elif "function" in tool:
        found.unknown(tool, ("type", "function"), path)
        return _function_name(found, tool["function"], f"{path}.function")
    else:
        flat = {name: value for name, value in tool.items() if name != "type"}
        return _function_name(found, flat, path)
    return ""


def _function_name(found: Findings, function: Any, path: str) -> str:
    if type(function) is not dict:
        found.wrong_type(path, "a function with a name")
        return ""
    found.unknown(function, _FUNCTION_FIELDS, path)
    check_name(found, function.get("name"), f"{path}.name")
    if "description" in function:
        found.text(function["description"], f"{path}.description")
    if "strict" in function:
        found.flag(function["strict"], f"{path}.strict")
    if "parameters" in function:
        check_schema(found, function["parameters"], f"{path}.parameters")
    return str(function.get("name"))


def check_tool_choice(found: Findings, value: Any) -> None:
    """Check which function must be called, if any; flat or nested as in chat."""
    path = "input.tool_choice"
    if type(value) is not dict:
        found.word(value, ("auto", "none", "required"), path)
        return
    found.unknown(value, ("type", "name", "function"), path)
    found.word(value.get("type"), ("function",), f"{path}.type")
    check_name(found, function_name(value), f"{path}.name")


def function_name(value: Any) -> Any:
    """Return the name in a tool or tool choice, whether flat or nested."""
    if type(value) is not dict:
        return None
    nested = value.get("function")
    return nested.get("name") if type(nested) is dict else value.get("name")
