"""Logging in: allauth's forms in our words."""

from typing import Any

from allauth.account.forms import LoginForm as PasswordLoginForm
from allauth.account.forms import ReauthenticateForm as PasswordAgainForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeAgainForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

_TOO_MANY = "too_many_login_attempts"
_WAITS = "email_not_verified"
_SENTENCES = {
    "email_password_mismatch": "This email and password do not belong together. Check "
    "the address for typing mistakes, and that Caps Lock is off: capital letters count "
    "in the password.",
    _TOO_MANY: "Too many attempts to log in. Wait five minutes, or set a new password.",
    _WAITS: "This address is not confirmed yet. Open the link in the mail we sent.",
}


class LoginForm(PasswordLoginForm):  # type: ignore[misc] # allauth has no types
    """Email and password, with errors that say how to mend them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email, password = self.fields["login"], self.fields["password"]
        email.label = "Email"
        email.widget = forms.EmailInput(
            attrs={"autofocus": True, "autocomplete": "username", "spellcheck": "false"}
        )
        email.error_messages["required"] = "Enter the email address of your account."
        email.error_messages["invalid"] = (
            "Enter a whole email address, such as name@example.com."
        )
        # The page has its own link to a new password.
        password.help_text = ""
        password.widget.attrs.pop("placeholder", None)
        password.error_messages["required"] = "Enter your password."

    def clean(self) -> Any:
        """Log nobody in yet; say why not in our words.

        Raises:
            ValidationError: by code, see :attr:`status` and :attr:`waits`.
        """
        try:
            return super().clean()
        except ValidationError as error:
            code = str(error.code)
            if getattr(self.request, "has_open_sign_up", False):
                code = _WAITS
            message = _SENTENCES.get(code, error.message)
            raise ValidationError(message, code=code) from error

    @property
    def waits(self) -> bool:
        """Whether the password is right and only the confirmation is missing."""
        return bool(self.has_error(NON_FIELD_ERRORS, _WAITS))

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this form."""
        return 429 if self.has_error(NON_FIELD_ERRORS, _TOO_MANY) else 200


class _CodeWords:
    """How a field for a code is labelled and typed."""

    fields: dict[str, forms.Field]
    help_text = ""

    def name_code(self) -> None:
        """Give the field our words."""
        code = self.fields["code"]
        code.label = "Code"
        code.help_text = self.help_text
        code.error_messages["required"] = "Enter the code."
        code.widget = forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "spellcheck": "false",
                "autocapitalize": "off",
            }
        )


class CodeForm(_CodeWords, AuthenticateForm):  # type: ignore[misc] # allauth has no types
    """The second step of a login."""

    help_text = "Six digits from your authenticator app, or one of your recovery codes."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_code()


class CodeReauthenticateForm(_CodeWords, CodeAgainForm):  # type: ignore[misc] # allauth has no types
    """A code again, before something that matters."""

    help_text = CodeForm.help_text

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_code()


class SetUpCodeForm(_CodeWords, ActivateTOTPForm):  # type: ignore[misc] # allauth has no types
    """The first code of a new authenticator app."""

    help_text = "Six digits, as the app shows them now."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_code()


class ReauthenticateForm(PasswordAgainForm):  # type: ignore[misc] # allauth has no types
    """The password again, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.help_text = ""
        password.widget.attrs.pop("placeholder", None)
        password.widget.attrs["autofocus"] = True
        password.error_messages["required"] = "Enter your password."
