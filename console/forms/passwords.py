"""Forgotten and changed passwords."""

from console.forms.base import (
    HOW_TO_CHOOSE,
    ServiceForm,
    email_field,
    password_field,
)
from console.forms.sign_up import TokenForm


class ResetForm(ServiceForm):
    """Whose password was forgotten."""

    email = email_field(autocomplete="username", autofocus=True)


class TokenPasswordForm(TokenForm):
    """A token from a mail, and the password that it sets."""

    password = password_field("New password", is_new=True, help_text=HOW_TO_CHOOSE)


class ChangePasswordForm(ServiceForm):
    """The present password and the next one."""

    current_password = password_field("Present password", is_new=False)
    new_password = password_field("New password", is_new=True, help_text=HOW_TO_CHOOSE)
