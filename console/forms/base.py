"""Forms whose service may still refuse what was typed, and their usual fields."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar

from django import forms

from accounts.addresses import EMAIL_MAX
from accounts.passwords import PASSWORD_MAX
from batchrouter.kit.errors import BatchRouterError


class ServiceForm(forms.Form):
    """A form that shows a service's refusal beside the field it is about."""

    # What the service calls a field, where the form calls it otherwise.
    params: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused_with = 400

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this form."""
        return self._refused_with if self.is_bound and self.errors else 200

    def refusals(self) -> "_Refusals":
        """Turn a refusal within into an error of the field that its ``param`` names."""
        return _Refusals(self)

    def refuse(self, error: BatchRouterError) -> None:
        """Show a refusal, at the top where it is about no field of this form."""
        param = error.param or ""
        name = self.params.get(param, param)
        self._refused_with = error.status
        self.add_error(name if name in self.fields else None, error.message)


class _Refusals:
    def __init__(self, form: ServiceForm) -> None:
        self._form = form

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, BatchRouterError):
            self._form.refuse(error)
            return True
        return False


def email_field(label: str = "Email", **attrs: str | bool) -> forms.CharField:
    """Return a field for an address; what an address is, accounts decide."""
    return forms.CharField(
        label=label,
        max_length=EMAIL_MAX + 64,
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "spellcheck": "false", **attrs}
        ),
        error_messages={"required": "Enter an email address."},
    )


def password_field(label: str, *, is_new: bool, help_text: str = "") -> forms.CharField:
    """Return a field for a password; what was typed is never sent back."""
    kind = "new-password" if is_new else "current-password"
    return forms.CharField(
        label=label,
        strip=False,
        max_length=PASSWORD_MAX,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": kind}),
        error_messages={"required": "Enter a password."},
    )


HOW_TO_CHOOSE = (
    "At least 10 characters: a few unrelated words are good. Not a common password, "
    "not only digits, not your address."
)
