"""Which code speaks to which provider: the only list of adapters.

An offering names its adapter by key (catalog/data/providers.json).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from batchrouter.kit.outbound import ControlClient
from routing.adapters import deepseek
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


def _listed(_instant: datetime) -> int:
    return 10_000


@dataclass(frozen=True, slots=True)
class AdapterPair:
    """What a provider can do through us; None is "not in this mode".

    Attributes:
        cost_bps: what a direct call at an instant costs of the listed price, times
            10,000. Quotes hold at the listed price whatever it is.
    """

    direct: DirectAdapter | None
    jobs: JobAdapter | None
    cost_bps: Callable[[datetime], int] = _listed


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
    "deepseek": AdapterPair(DeepSeekDirect(), None, cost_bps=deepseek.cost_bps),
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


def cost_bps(key: str, mode: str, instant: datetime) -> int:
    """Return what a call at an instant costs of the listed price, times 10,000."""
    pair = ADAPTERS.get(key)
    return 10_000 if pair is None or mode == "batch" else pair.cost_bps(instant)


def speaks(key: str, mode: str) -> bool:
    """Tell whether an offering with this adapter and mode can be executed."""
    pair = ADAPTERS.get(key)
    if pair is None:
        return False
    return (pair.jobs if mode == "batch" else pair.direct) is not None
