"""What tests of routing share."""

from tests.routing.key_server import openai

__all__ = ["openai"]
