"""What accounts do not keep: ended logins, and sign-ups that nobody confirmed."""

from datetime import datetime, timedelta

from accounts.models import EmailChange, SignUp
from accounts.session_tokens import forget_expired_tokens
from accounts.sessions import forget_expired_cookies
from accounts.tokens import LIFETIMES, Purpose
from batchrouter.mail.outbox import forget_old_letters

# A confirmed one says when an address was shown to be somebody's; then it has no use.
_CONFIRMED_KEPT = timedelta(days=30)


def forget_old(*, now: datetime) -> None:
    """Delete what no token can open any more; safe to run at any time."""
    forget_expired_tokens(now=now)
    forget_expired_cookies(now=now)
    forget_old_letters(now=now)
    SignUp.objects.filter(
        confirmed_at=None, created_at__lt=now - LIFETIMES[Purpose.SIGN_UP]
    ).delete()
    SignUp.objects.filter(confirmed_at__lt=now - _CONFIRMED_KEPT).delete()
    EmailChange.objects.filter(
        created_at__lt=now - LIFETIMES[Purpose.EMAIL_CHANGE]
    ).delete()
