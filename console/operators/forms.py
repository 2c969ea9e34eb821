"""What operators send from their own pages."""

from typing import ClassVar

from django import forms

from accounts.operator_actions import REASON_FIELD
from console.forms.base import ServiceForm


class SwitchForm(ServiceForm):
    """A switch and why it is thrown; the button says which way."""

    ways: ClassVar[tuple[str, ...]] = ("switch_off", "switch_on")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"] = forms.ChoiceField(
            choices=[(way, way) for way in self.ways], widget=forms.HiddenInput
        )
        self.fields[REASON_FIELD] = forms.CharField(
            label="Reason",
            max_length=300,
            help_text="The operators' log keeps it.",
            error_messages={"required": "Say why: the log keeps it."},
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )


class ProviderSwitchForm(SwitchForm):
    """The two switches of a provider."""

    ways = (*SwitchForm.ways, "sanction", "lift_sanction")
