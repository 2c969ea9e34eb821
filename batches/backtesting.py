"""Pure: what stored decisions would have been under another policy, and their price.

A policy changes what a customer may wish: the routing mode, the time he gives, whom he
leaves out, or the weights. The market stays as it was at the decision.

The price of settled work under another lane: its real tokens, put into that lane's
tokens by the two providers' factors, at that lane's price. Only the proportion of the
two repriced sums is used, so that the figure rests on what was really settled.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from batches.decisions import Decision
from batches.manifest.envelope import ROUTING_MODES, SLA_HOURS
from batches.manifest.findings import Findings
from batches.manifest.preferences import read_preferences
from batches.replaying import StoredGroup, decide_again
from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.money import ceil_div
from catalog.policies import POLICIES, RoutePolicy
from catalog.pricing import Price, numerator
from routing.contracts import Preferences, UnitRequest
from routing.weights import RouteWeights

Change = Callable[[UnitRequest, datetime], UnitRequest]
JOINT: Final = "+"
OPEN_PROVIDERS: Final = "open_providers"
_FACTOR_ONE_BPS: Final = 10_000


class UnknownPolicy(InvalidRequest):
    """No policy has this name."""

    code = "policy_unknown"


@dataclass(frozen=True, slots=True)
class Policy:
    """A named way to decide otherwise.

    Attributes:
        name: as given, such as ``cheapest+flex``.
        changes: of the request, one after another.
        weights: in place of those that the quote names; None keeps them.
    """

    name: str
    changes: tuple[Change, ...]
    weights: RouteWeights | None = None

    def request(self, group: StoredGroup) -> UnitRequest:
        """Return a group's request as it would be under this policy."""
        request = group.request
        for change in self.changes:
            request = change(request, group.terms.decided_at)
        return request


@dataclass(frozen=True, slots=True)
class SettledUsage:
    """What a group's delivered rows of one offering came to.

    Attributes:
        subtotal_nanousd: as settled, before the fee.
    """

    offering_id: int
    items: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    subtotal_nanousd: int


@dataclass(frozen=True, slots=True)
class GroupBacktest:
    """A group under the stored decision and under another policy.

    Attributes:
        after: None where no lane is eligible under the policy.
        items: delivered ones.
        before_nanousd: their settled subtotal.
        after_nanousd: what the same work would have settled at; as before where
            ``after`` is None.
    """

    group_no: int
    before: Decision
    after: Decision | None
    items: int
    before_nanousd: int
    after_nanousd: int


def read_policy(
    name: str, *, find_weights: Callable[[str], RouteWeights] | None = None
) -> Policy:
    """Read a policy's name: words joined by ``+``.

    A word is a routing mode, a tier (``flex``: its hours from the decision on),
    ``open_providers`` (no wishes about providers), a named route policy, or a route
    version ``rv_…``.

    Args:
        name: as a person writes it.
        find_weights: looks up a route version; without it none is known.

    Raises:
        UnknownPolicy: a word has no meaning.
    """
    changes: list[Change] = []
    weights = None
    for word in name.split(JOINT):
        if word.startswith("rv_") and find_weights is not None:
            weights = find_weights(word)
        else:
            changes.append(_change(word))
    return Policy(name, tuple(changes), weights)


def _change(word: str) -> Change:
    if word in ROUTING_MODES:
        return lambda request, _at: replace(request, routing_mode=word)
    if word in SLA_HOURS:
        window = timedelta(hours=SLA_HOURS[word])
        return lambda request, at: replace(request, deadline_at=at + window)
    if word == OPEN_PROVIDERS:
        return lambda request, _at: replace(request, preferences=Preferences())
    if word in POLICIES:
        return _named(POLICIES[word])
    known = [*ROUTING_MODES, *SLA_HOURS, OPEN_PROVIDERS, *POLICIES]
    raise UnknownPolicy(
        f"There is no policy {word[:80]!r}; the words are {', '.join(known)}, and "
        f"rv_… of a route version.",
        param="policy",
    )


def _named(policy: RoutePolicy) -> Change:
    fields = dict(policy.manifest_defaults)
    wishes = read_preferences(Findings(), fields.get("provider_preferences", {}))
    values = {
        "routing_mode": fields["routing_mode"],
        "privacy_tier": fields["privacy_tier"],
        "allowed_regions": tuple(fields["allowed_regions"]),
        "preferences": wishes,
    }
    hours = SLA_HOURS.get(fields.get("sla_tier", ""))

    def change(request: UnitRequest, at: datetime) -> UnitRequest:
        changed = replace(request, **values)
        if hours is None:
            return changed
        return replace(changed, deadline_at=at + timedelta(hours=hours))

    return change


def backtest_group(
    group: StoredGroup,
    before: Decision,
    policy: Policy,
    version: RouteWeights,
    usages: Iterable[SettledUsage],
) -> GroupBacktest:
    """Decide a group under a policy and price its settled work there.

    Args:
        group: what was stored.
        before: the decision that was made.
        policy: what is tried.
        version: the weights that the quote names.
        usages: of the group's delivered rows; none where it has not ended.
    """
    after = decide_again(group, policy.request(group), policy.weights or version)
    found = list(usages)
    settled = sum(usage.subtotal_nanousd for usage in found)
    return GroupBacktest(
        group_no=group.terms.group_no,
        before=before,
        after=after,
        items=sum(usage.items for usage in found),
        before_nanousd=settled,
        after_nanousd=settled
        if after is None
        else _settled_under(group, before, after, found),
    )


def _settled_under(
    group: StoredGroup,
    before: Decision,
    after: Decision,
    usages: list[SettledUsage],
) -> int:
    settled = sum(usage.subtotal_nanousd for usage in usages)
    if after.terms == before.terms:
        return settled
    factors = {each.offering_id: each.token_factor_bps for each in group.offerings}
    then = sum(_repriced(usage, before, factors) for usage in usages)
    now = sum(_repriced(usage, after, factors) for usage in usages)
    return ceil_div(settled * now, then) if then else settled


def _repriced(
    usage: SettledUsage, decision: Decision, factors: Mapping[int, int]
) -> int:
    """Return the numerator of a usage's price on the decision's first lane.

    Tiers by input size are chosen by the average item.
    """
    terms = decision.terms
    factor = factors.get(usage.offering_id, _FACTOR_ONE_BPS)

    def counted(tokens: int) -> int:
        return tokens * terms.factor_bps // factor

    price = _tier_of(terms.price, counted(usage.input_tokens), usage.items)
    return numerator(
        price,
        input_tokens=counted(usage.input_tokens),
        cached_tokens=counted(usage.cached_tokens),
        output_tokens=counted(usage.output_tokens),
    )


def _tier_of(price: Price, input_tokens: int, items: int) -> Price:
    tier = price.tier_for(ceil_div(input_tokens, max(items, 1)))
    return replace(
        price,
        input=tier.input,
        cached_input=tier.cached_input,
        output=tier.output,
        tiers=(),
    )
