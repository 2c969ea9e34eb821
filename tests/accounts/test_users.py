import pytest
from django.db import IntegrityError

from accounts.models import User

pytestmark = pytest.mark.django_db


def test_an_address_is_kept_in_lower_case() -> None:
    assert User.objects.create_user("Ada@Example.COM").email == "ada@example.com"


def test_an_address_is_used_once_in_any_case() -> None:
    User.objects.create_user("ada@example.com")
    with pytest.raises(IntegrityError, match="user_email_once"):
        User.objects.create(email="ADA@example.com")


@pytest.mark.parametrize("text", ["ada@example.com", "Ada@Example.COM"])
def test_a_person_is_found_however_they_write_their_address(text: str) -> None:
    made = User.objects.create_user("ada@example.com")
    assert User.objects.get_by_natural_key(text) == made


def test_a_person_without_a_password_cannot_log_in() -> None:
    assert not User.objects.create_user("ada@example.com").has_usable_password()


def test_a_password_is_kept_as_a_hash() -> None:
    made = User.objects.create_user("ada@example.com", "correct horse")
    assert made.check_password("correct horse")
    assert "correct horse" not in made.password


def test_an_operator_may_do_everything() -> None:
    made = User.objects.create_superuser("root@example.com", "correct horse")
    assert (made.is_staff, made.is_superuser) == (True, True)
