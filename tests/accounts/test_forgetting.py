from datetime import timedelta

import pytest

from accounts.forgetting import forget_old
from accounts.models import EmailChange, SessionToken, SignUp
from accounts.session_tokens import issue_token
from batchrouter.kit import clock
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

NOW = clock.now()


def test_what_can_still_be_used_is_kept() -> None:
    user = UserFactory.create()
    issue_token(user=user, org=None, ip=None, user_agent="", now=NOW)
    SignUp.objects.create(email="a@example.com", org_name="a", created_at=NOW)
    EmailChange.objects.create(user=user, email="b@example.com", created_at=NOW)
    forget_old(now=NOW + timedelta(hours=23))
    assert SessionToken.objects.count() == 1
    assert SignUp.objects.count() == 1
    assert EmailChange.objects.count() == 1


def test_what_nobody_can_use_any_more_is_deleted() -> None:
    user = UserFactory.create()
    issue_token(user=user, org=None, ip=None, user_agent="", now=NOW)
    SignUp.objects.create(email="a@example.com", org_name="a", created_at=NOW)
    EmailChange.objects.create(user=user, email="b@example.com", created_at=NOW)
    forget_old(now=NOW + timedelta(days=31))
    assert not SessionToken.objects.exists()
    assert not SignUp.objects.exists()
    assert not EmailChange.objects.exists()
