"""Items that can travel together, counted and summed as they are read."""

from batches.manifest.items import ItemFacts
from batches.workloads import TaskKey

GROUPS_MAX = 200
RANGES_SHOWN = 20
# Where providers' prices step by the input of one request, in tokens.
TOKEN_STEPS = (100_000, 128_000, 200_000, 272_000)

Key = tuple[str, tuple[str, ...], bool, bool, bool, int]


class Sums:
    """The sums of the items that are identical to an earlier one."""

    def __init__(self) -> None:
        self.item_count = self.input_tokens = self.output_tokens = 0
        self.uncapped_count = self.payload_bytes = 0

    def add(self, facts: ItemFacts, input_tokens: int, length: int) -> None:
        """Count one item in."""
        self.item_count += 1
        self.input_tokens += input_tokens
        self.output_tokens += facts.max_output_tokens or 0
        self.uncapped_count += is_uncapped(facts)
        self.payload_bytes += length


def is_uncapped(facts: ItemFacts) -> bool:
    """Tell whether an item writes text and names no cap for it."""
    return facts.max_output_tokens is None and facts.operation != "embeddings"


class GroupSums:
    """The sums of one group. ``output_tokens`` sums the caps that items name.

    ``copies`` are those of its items that are identical to an earlier one: identical
    items are always of one group.
    """

    def __init__(self, no: int, facts: ItemFacts) -> None:
        self.no = no
        self.operation = facts.operation
        self.models = facts.models
        self.needs_vision = facts.needs_vision
        self.needs_schema = facts.needs_schema
        self.needs_tools = facts.needs_tools
        self.item_count = 0
        self.input_tokens = self.input_tokens_max = 0
        self.output_tokens = self.output_tokens_max = 0
        self.uncapped_count = 0
        self.payload_bytes = self.payload_bytes_max = 0
        self.copies = Sums()
        self.golden_count = self.golden_input_tokens = 0
        self.golden_output_tokens = self.golden_uncapped_count = 0
        self.task = TaskKey()
        self._ranges: list[str] = []
        self._first = self._last = -2  # next to no item

    def add(
        self,
        seq: int,
        facts: ItemFacts,
        input_tokens: int,
        length: int,
        *,
        is_copy: bool = False,
    ) -> None:
        """Count one item in; a copy also among the copies."""
        if is_copy:
            self.copies.add(facts, input_tokens, length)
        self.item_count += 1
        self.task.note(facts.repeated_texts)
        self.payload_bytes += length
        self.payload_bytes_max = max(self.payload_bytes_max, length)
        self.input_tokens += input_tokens
        self.input_tokens_max = max(self.input_tokens_max, input_tokens)
        cap = facts.max_output_tokens
        if cap is not None:
            self.output_tokens += cap
            self.output_tokens_max = max(self.output_tokens_max, cap)
        self.uncapped_count += is_uncapped(facts)
        if facts.is_golden:
            self.golden_count += 1
            self.golden_input_tokens += input_tokens
            self.golden_output_tokens += cap or 0
            self.golden_uncapped_count += cap is None
        if seq != self._last + 1:
            self._close_range()
            self._first = seq
        self._last = seq

    def _close_range(self) -> None:
        if self.item_count > 1 and len(self._ranges) < RANGES_SHOWN:
            self._ranges.append(f"{self._first}-{self._last}")

    @property
    def ranges(self) -> list[str]:
        """The items' numbers such as ``"0-249"``, the first 20 ranges."""
        return [*self._ranges, f"{self._first}-{self._last}"][:RANGES_SHOWN]


class Groups:
    """The groups of a manifest, numbered from 0 as they appear."""

    def __init__(self) -> None:
        self._by_key: dict[Key, GroupSums] = {}

    def find(self, facts: ItemFacts, input_tokens: int) -> GroupSums | None:
        """Return an item's group; None when there would be too many."""
        key = (
            facts.operation,
            facts.models,
            facts.needs_vision,
            facts.needs_schema,
            facts.needs_tools,
            sum(input_tokens > step for step in TOKEN_STEPS),
        )
        group = self._by_key.get(key)
        if group is None and len(self._by_key) < GROUPS_MAX:
            group = self._by_key[key] = GroupSums(len(self._by_key), facts)
        return group

    def all(self) -> tuple[GroupSums, ...]:
        """Return the groups in the order of their numbers."""
        return tuple(self._by_key.values())
