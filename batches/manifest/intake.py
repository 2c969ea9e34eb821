"""Items one after another: checked alone, then against each other and the catalog."""

import hashlib
from typing import Any

from batches.golden import ITEMS_PER_GOLDEN
from batches.manifest.groups import GROUPS_MAX, Groups
from batches.manifest.items import ID_LENGTH_MAX, ItemFacts, check_item
from batches.manifest.problems import InvalidManifest, OnInvalid, Problem, Problems
from batches.manifest.spool import Spool
from batches.manifest.tokens import count_item

ITEMS_MAX = 100_000
_SHOWN = 64


class Intake:
    """Takes items in, sums them, and lists what cannot be taken.

    With ``on_invalid`` ``reject`` one problem spoils the whole, so that from then on
    items are still checked but no longer counted or kept. With ``skip`` an invalid item
    is left out and listed by its first problem.
    """

    def __init__(
        self, *, known_models: frozenset[str], on_invalid: OnInvalid, spool: Spool
    ) -> None:
        self.groups = Groups()
        self.problems = Problems()
        self.skipped = Problems()
        self.duplicates = 0
        self.golden_count = 0
        self._known_models = known_models
        self._skips = on_invalid == "skip"
        self._spool = spool
        self._seen_count = 0
        self._line_by_id: dict[bytes, int] = {}
        # 16 bytes and a number for each item that is the first of its kind.
        self._seq_by_fingerprint: dict[bytes, int] = {}

    def take(
        self, item: Any, *, line: int, offset: int, length: int, path: str = ""
    ) -> None:
        """Check one item and keep its row, or list its problems.

        ``path`` is where the item stands in its document, put before field names.

        Raises:
            InvalidManifest: there are too many items or groups.
        """
        self._begin_item()
        facts = check_item(item)
        problems = facts if isinstance(facts, list) else self._unknown_models(facts)
        customer_id = item.get("customer_item_id") if isinstance(item, dict) else None
        problems += self._duplicate(customer_id, line, is_valid=not problems)
        if problems:
            self._refuse(problems, line, customer_id, path)
        elif isinstance(facts, ItemFacts) and not self.problems:
            self._keep(facts, offset, length)

    def refuse(self, problem: Problem, *, line: int, path: str = "") -> None:
        """List something that is not even an item."""
        self._begin_item()
        self._refuse([problem], line, None, path)

    def stop(self, problem: Problem, *, line: int | None = None) -> InvalidManifest:
        """Return the refusal for what makes further reading senseless."""
        self.problems.put_first(problem, line=line)
        return InvalidManifest.of(self.problems)

    def finish(self) -> None:
        """Refuse the whole if anything stands against it.

        Raises:
            InvalidManifest: with all problems, or because no item is left, or too many
                of those left are golden.
        """
        if self.problems:
            raise InvalidManifest.of(self.problems)
        if self._spool.row_count:
            self._check_golden_share()
            return
        if self.skipped:
            self.problems.errors += self.skipped.errors
            self.problems.count += self.skipped.count
            raise self.stop(Problem("", "no_valid_items", "No item is valid."))
        raise self.stop(Problem("", "empty_manifest", "There are no items."))

    def _check_golden_share(self) -> None:
        most = self._spool.row_count // ITEMS_PER_GOLDEN
        if self.golden_count <= most:
            return
        text = (
            f"One item in {ITEMS_PER_GOLDEN} may be golden: {self.golden_count} of "
            f"{self._spool.row_count} are, {most} are accepted."
        )
        raise self.stop(Problem("golden", "too_many_golden", text))

    def _begin_item(self) -> None:
        self._seen_count += 1
        if self._seen_count > ITEMS_MAX:
            text = f"At most {ITEMS_MAX:,} items are accepted; split the file."
            raise self.stop(Problem("", "too_many_items", text))

    def _unknown_models(self, facts: ItemFacts) -> list[Problem]:
        if self._known_models.issuperset(facts.models):
            return []
        return [
            Problem(
                "model" if index == 0 else "model_options",
                "unknown_model",
                f"The catalog has no model {model[:_SHOWN]!r}.",
            )
            for index, model in enumerate(facts.models)
            if model not in self._known_models
        ]

    def _duplicate(
        self, customer_id: Any, line: int, *, is_valid: bool
    ) -> list[Problem]:
        if not isinstance(customer_id, str) or len(customer_id) > ID_LENGTH_MAX:
            return []
        # A digest, because 100,000 ids of 128 characters would fill the memory.
        data = customer_id.encode(errors="surrogatepass")
        key = hashlib.blake2b(data, digest_size=16).digest()
        earlier = self._line_by_id.get(key)
        if earlier is None:
            # A line that is left out does not stand in the way of a later one.
            if is_valid or not self._skips:
                self._line_by_id[key] = line
            return []
        text = f"Line {earlier} has the same customer_item_id."
        return [Problem("customer_item_id", "duplicate_id", text)]

    def _refuse(
        self, problems: list[Problem], line: int, customer_id: Any, path: str
    ) -> None:
        if path:
            problems = [_below(path, problem) for problem in problems]
        if self._skips:
            self.skipped.add(problems[0], line=line, customer_item_id=customer_id)
            return
        for problem in problems:
            self.problems.add(problem, line=line, customer_item_id=customer_id)

    def _keep(self, facts: ItemFacts, offset: int, length: int) -> None:
        tokens = count_item(facts)
        group = self.groups.find(facts, tokens)
        if group is None:
            text = (
                f"The items fall into more than {GROUPS_MAX} groups of operation, "
                "models, needs and size; split the file."
            )
            raise self.stop(Problem("", "too_many_groups", text))
        seq = self._spool.row_count
        first = self._seq_by_fingerprint.setdefault(facts.fingerprint, seq)
        # Each golden item is scored by an answer of its own.
        copy_of = None if first == seq or facts.is_golden else first
        self.duplicates += copy_of is not None
        group.add(seq, facts, tokens, length, is_copy=copy_of is not None)
        self._spool.add(
            group.no,
            facts.customer_item_id,
            (offset, length),
            tokens,
            facts.max_output_tokens,
            copy_of,
            is_golden=facts.is_golden,
        )
        self.golden_count += facts.is_golden


def _below(path: str, problem: Problem) -> Problem:
    field = f"{path}.{problem.field}" if problem.field else path
    return problem._replace(field=field)
