"""Which code speaks to which provider: the only list of adapters.

An offering names its adapter by key (catalog/data/providers.json).
"""

from dataclasses import dataclass
from typing import Final

from batchrouter.kit.outbound import ControlClient
from routing.adapters.anthropic import AnthropicDirect
from routing.adapters.anthropic_jobs import AnthropicJobs
from routing.adapters.deepseek import DeepSeekDirect
from routing.adapters.fireworks_jobs import FireworksJobs
from routing.adapters.gemini import GeminiDirect
from routing.adapters.gemini_jobs import GeminiJobs
from routing.adapters.groq_jobs import GroqJobs
from routing.adapters.mistral import MistralDirect
from routing.adapters.mistral_jobs import MistralJobs
from routing.adapters.openai import OpenAIDirect
from routing.adapters.openai_compatible import CompatibleDirect
from routing.adapters.openai_jobs import OpenAIJobs
from routing.adapters.openrouter import OpenRouterDirect
from routing.adapters.openrouter_jobs import OpenRouterJobs
from routing.adapters.together_jobs import TogetherJobs
from routing.contracts import DirectAdapter, JobAdapter


class UnknownAdapter(LookupError):
    """The catalog names an adapter that this program does not have."""


@dataclass(frozen=True, slots=True)
class AdapterPair:
    """What a provider can do through us; None is "not in this mode"."""

    direct: DirectAdapter | None
    jobs: JobAdapter | None


# Makes no connection before its first call, so it is safe to fork with.
_control = ControlClient()

ADAPTERS: Final[dict[str, AdapterPair]] = {
    "openai": AdapterPair(direct=OpenAIDirect(), jobs=OpenAIJobs(_control)),
    "anthropic": AdapterPair(direct=AnthropicDirect(), jobs=AnthropicJobs(_control)),
    "gemini": AdapterPair(direct=GeminiDirect(), jobs=GeminiJobs(_control)),
    "mistral": AdapterPair(direct=MistralDirect(), jobs=MistralJobs(_control)),
    "groq": AdapterPair(direct=CompatibleDirect(), jobs=GroqJobs(_control)),
    "together": AdapterPair(direct=CompatibleDirect(), jobs=TogetherJobs(_control)),
    "fireworks": AdapterPair(direct=CompatibleDirect(), jobs=FireworksJobs(_control)),
    "deepseek": AdapterPair(direct=DeepSeekDirect(), jobs=None),
    "openrouter": AdapterPair(OpenRouterDirect(), OpenRouterJobs(_control)),
    "openai_compatible": AdapterPair(direct=CompatibleDirect(), jobs=None),
}


def direct_adapter(key: str) -> DirectAdapter:
    """Return the adapter that answers one item by one call.

    Raises:
        UnknownAdapter: there is none by this key.
    """
    pair = ADAPTERS.get(key)
    if pair is None or pair.direct is None:
        raise UnknownAdapter(f"no direct adapter {key!r}")
    return pair.direct


def job_adapter(key: str) -> JobAdapter:
    """Return the adapter that runs items as provider jobs.

    Raises:
        UnknownAdapter: there is none by this key.
    """
    pair = ADAPTERS.get(key)
    if pair is None or pair.jobs is None:
        raise UnknownAdapter(f"no job adapter {key!r}")
    return pair.jobs


def speaks(key: str, mode: str) -> bool:
    """Tell whether an offering with this adapter and mode can be executed."""
    pair = ADAPTERS.get(key)
    if pair is None:
        return False
    return (pair.jobs if mode == "batch" else pair.direct) is not None
