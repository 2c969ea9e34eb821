"""Operators with a second factor: two who may do everything, and one who may little."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.support.operators import log_in_operator, operator_client


@pytest.fixture
def operator(db: None) -> Client:
    return operator_client()


@pytest.fixture
def ada(db: None) -> Client:
    """An operator with a name."""
    visitor = Client()
    log_in_operator(
        visitor,
        UserFactory.create(email="ada@example.com", is_staff=True, is_superuser=True),
    )
    return visitor


@pytest.fixture
def clerk(db: None) -> Client:
    """Staff who may look at batches and lanes, and at nothing else."""
    user = UserFactory.create(is_staff=True)
    names = ["view_batch", "view_lane"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    visitor = Client()
    log_in_operator(visitor, user)
    return visitor
