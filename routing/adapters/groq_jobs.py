"""Groq's batches: OpenAI's files and batches, for chat completions only.

The lines name ``/v1/chat/completions`` although the calls go below ``/openai/v1``.
Groq takes windows from ``24h`` to ``7d``; a stage of ours is never longer than a day.
Sources: groq 1.7.0 and providers.md 1.5, both read 2026-11-22.
"""

from types import MappingProxyType
from typing import Any

from routing.adapters.openai_compatible import body_of, path_of
from routing.adapters.openai_jobs import OpenAIJobs
from routing.contracts import ItemRequest, JobLimits, Operation


class GroqJobs(OpenAIJobs):
    """Run many items as one Groq batch."""

    operations: tuple[Operation, ...] = ("responses", "vision")
    limits = JobLimits(
        requests_max=50_000,
        bytes_max=100_000_000,
        source="https://github.com/groq/groq-python, batch_create_params, 2026-11-22",
    )
    upload_fields = MappingProxyType({"purpose": "batch"})

    def endpoint_of(self, operation: Operation) -> str:
        """Return the endpoint that a job's lines are for."""
        return "/v1" + path_of(operation)

    def body_of(self, item: ItemRequest) -> dict[str, Any]:
        """Return the body of one line."""
        return body_of(item, "groq")
