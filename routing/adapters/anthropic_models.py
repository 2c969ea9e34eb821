"""What Claude models refuse or cannot do, as far as a request must know it.

Sources: the flags of catalog/data/model_prices.json, anthropics/skills 9d2f1ae and
``ThinkingConfigParam`` of anthropic 2.12.0, all read 2026-11-22.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Traits:
    """How a model takes thinking and tools.

    Attributes:
        thinks_adaptively: effort and adaptive thinking; else a budget in tokens.
        thinks_always: thinking cannot be switched off.
        takes_forced_tools: a call can be demanded; else it is 400.
    """

    thinks_adaptively: bool = True
    thinks_always: bool = False
    takes_forced_tools: bool = True


_ALWAYS_THINKING: Final = Traits(thinks_always=True, takes_forced_tools=False)
_USUAL: Final = Traits()
# By the beginning of the model's name, so that dated snapshots are met too.
_TRAITS: Final = {
    "claude-opus-5-5": _ALWAYS_THINKING,
    "claude-sonnet-5-5": _ALWAYS_THINKING,
    "claude-fable-5": _ALWAYS_THINKING,
    "claude-haiku-4-5": Traits(thinks_adaptively=False),
}


def traits_of(model: str) -> Traits:
    """Return a model's traits; those of an unknown one are the usual ones."""
    for beginning, traits in _TRAITS.items():
        if model.startswith(beginning):
            return traits
    return _USUAL
