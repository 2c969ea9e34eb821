import pytest
from django.test import Client

from accounts.models import ApiKey, User
from tests.factories.accounts import PASSWORD, OrgFactory, UserFactory, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    visitor = Client()
    visitor.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return visitor


def test_a_person_who_is_not_staff_does_not_get_in() -> None:
    visitor = Client()
    visitor.force_login(UserFactory.create())
    assert visitor.get("/admin/accounts/apikey/").status_code == 302


def test_an_operator_sees_a_key_but_neither_secret_nor_digest(operator: Client) -> None:
    made = make_key(OrgFactory.create())
    page = operator.get(f"/admin/accounts/apikey/{made.row.pk}/change/")
    text = page.content.decode()
    assert page.status_code == 200
    assert made.row.prefix in text
    assert made.secret not in text
    assert bytes(made.row.digest).hex() not in text


def test_an_operator_cannot_make_a_key(operator: Client) -> None:
    assert operator.get("/admin/accounts/apikey/add/").status_code == 403
    assert not ApiKey.objects.exists()


def test_an_operator_does_not_see_a_password(operator: Client) -> None:
    user = UserFactory.create()
    page = operator.get(f"/admin/accounts/user/{user.pk}/change/")
    assert page.status_code == 200
    assert User.objects.get(pk=user.pk).password not in page.content.decode()
    assert PASSWORD not in page.content.decode()
