"""A checkout session as its page shows it."""

from dataclasses import dataclass

from billing.models import CheckoutSession, CheckoutState, PaymentStatus


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """How far a payment is.

    Attributes:
        stage: ``posted``, ``processing``, ``failed``, ``expired`` or ``waiting``.
        url: the hosted page, where it can still be paid.
    """

    public_id: str
    stage: str
    amount_nanousd: int
    url: str

    @property
    def is_open(self) -> bool:
        """Tell whether it may turn by itself within seconds."""
        return self.stage == "waiting"


def checkout_view(session: CheckoutSession) -> CheckoutView:
    """Show a session; its credits count only once a webhook has posted them."""
    top_up = getattr(session, "top_up", None)
    amount = session.amount_nanousd if top_up is None else top_up.amount_nanousd
    is_payable = session.state == CheckoutState.OPEN
    return CheckoutView(
        public_id=session.public_id,
        stage=_stage(session, is_posted=top_up is not None),
        amount_nanousd=amount,
        url=session.url if is_payable else "",
    )


def _stage(session: CheckoutSession, *, is_posted: bool) -> str:
    if is_posted:
        return "posted"
    if session.payment_status in {PaymentStatus.PROCESSING, PaymentStatus.FAILED}:
        return session.payment_status
    return "expired" if session.state == CheckoutState.EXPIRED else "waiting"
