"""Files of past jobs as the providers write them, and hostile ones."""

from collections.abc import Iterable
from typing import Any

import orjson

Json = dict[str, Any]

# 2026-10-05 12:00 UTC.
NOON = 1_791_201_600

OPENAI_COLUMNS = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,"
    "user_id,api_key_id,model,batch,service_tier,input_tokens,output_tokens,"
    "input_cached_tokens"
)
ANTHROPIC_COLUMNS = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,"
    "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count"
)


def lines(values: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def response_line(number: int = 0, **body: Any) -> Json:
    """Return an output line of 1,000 tokens in and 100 out."""
    return {
        "id": f"batch_req_{number}",
        "custom_id": f"request-{number}",
        "response": {
            "status_code": 200,
            "request_id": f"req_{number}",
            "body": {
                "id": f"resp_{number}",
                "object": "response",
                "created_at": NOON,
                "status": "completed",
                "model": "gpt-5.4-mini-2026-03-17",
                "output": [],
                "usage": {
                    "input_tokens": 1000,
                    "input_tokens_details": {"cached_tokens": 0},
                    "output_tokens": 100,
                    "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": 1100,
                },
                **body,
            },
        },
        "error": None,
    }


def chat_line(number: int = 0) -> Json:
    line = response_line(number)
    line["response"]["body"] = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": NOON,
        "model": "gpt-5.4-mini",
        "choices": [],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 400},
        },
    }
    return line


def embeddings_line(number: int = 0) -> Json:
    line = response_line(number)
    line["response"]["body"] = {
        "object": "list",
        "data": [],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 500, "total_tokens": 500},
    }
    return line


def error_line(number: int, code: str) -> Json:
    return {
        "id": f"batch_req_{number}",
        "custom_id": f"request-{number}",
        "response": None,
        "error": {"code": code, "message": "This request was not run."},
    }


def input_line(number: int = 0) -> Json:
    return {
        "custom_id": f"request-{number}",
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-5.4-mini", "input": "A secret prompt."},
    }


def message_line(number: int = 0, **message: Any) -> Json:
    """Return a result line of 1,000 tokens in, 200 of them cached, and 100 out."""
    return {
        "custom_id": f"request-{number}",
        "result": {
            "type": "succeeded",
            "message": {
                "id": f"msg_{number}",
                "type": "message",
                "model": "claude-haiku-4-5-20251001",
                "content": [{"type": "text", "text": "A secret answer."}],
                "usage": {
                    "input_tokens": 700,
                    "cache_read_input_tokens": 200,
                    "cache_creation_input_tokens": 100,
                    "output_tokens": 100,
                },
                **message,
            },
        },
    }


def ended_line(number: int, kind: str) -> Json:
    return {"custom_id": f"request-{number}", "result": {"type": kind}}


def openai_csv(*rows: str) -> bytes:
    return "\n".join([OPENAI_COLUMNS, *rows]).encode() + b"\n"


def openai_row(
    *,
    start: int = 1_791_158_400,  # 2026-10-05
    requests: str = "10.0",
    model: str = "gpt-5.4-mini-2026-03-17",
    batch: str = "TRUE",
    given: str = "10000.0",
    made: str = "1000.0",
    cached: str = "4000.0",
) -> str:
    return (
        f"{start},{start + 86_400},2026-10-05T00:00:00+00:00,"
        f"2026-10-06T00:00:00+00:00,proj_1,{requests},user-1,key_1,{model},{batch},"
        f"default,{given},{made},{cached}"
    )


def anthropic_csv(*rows: str) -> bytes:
    return "\n".join([ANTHROPIC_COLUMNS, *rows]).encode() + b"\n"


def openai_page(*results: Json, start: int = 1_791_158_400) -> Json:
    return {
        "object": "page",
        "data": [
            {
                "object": "bucket",
                "start_time": start,
                "end_time": start + 86_400,
                "results": [
                    {
                        "object": "organization.usage.completions.result",
                        "input_tokens": 10_000,
                        "output_tokens": 1_000,
                        "input_cached_tokens": 4_000,
                        "num_model_requests": 10,
                        "project_id": "proj_1",
                        "user_id": "user-1",
                        "api_key_id": "key_1",
                        "model": "gpt-5.4-mini-2026-03-17",
                        "batch": True,
                        "service_tier": "default",
                        **result,
                    }
                    for result in results
                ],
            }
        ],
        "has_more": False,
        "next_page": None,
    }


def anthropic_page(**result: Any) -> Json:
    return {
        "data": [
            {
                "starting_at": "2026-10-05T00:00:00Z",
                "ending_at": "2026-10-06T00:00:00Z",
                "results": [
                    {
                        "uncached_input_tokens": 7_000,
                        "cache_creation": {
                            "ephemeral_1h_input_tokens": 400,
                            "ephemeral_5m_input_tokens": 600,
                        },
                        "cache_read_input_tokens": 2_000,
                        "output_tokens": 1_000,
                        "server_tool_use": {"web_search_requests": 0},
                        "model": "claude-haiku-4-5-20251001",
                        "service_tier": "batch",
                        "context_window": "0-200k",
                        "api_key_id": None,
                        "workspace_id": None,
                        **result,
                    }
                ],
            }
        ],
        "has_more": False,
        "next_page": None,
    }
