"""What the calculator of the pricing page takes."""

from collections.abc import Iterable
from typing import Any

from django import forms

_ITEMS_MAX = 10_000_000
_TOKENS_MAX = 1_000_000


class CalculatorForm(forms.Form):
    """Items of one size by one model."""

    model = forms.ChoiceField(label="Model")
    items = forms.IntegerField(label="Items", min_value=1, max_value=_ITEMS_MAX)
    input_tokens = forms.IntegerField(
        label="Input tokens an item", min_value=0, max_value=_TOKENS_MAX
    )
    output_tokens = forms.IntegerField(
        label="Output tokens an item", min_value=0, max_value=_TOKENS_MAX
    )
    packaged = forms.BooleanField(label="As a packaged workflow", required=False)

    def __init__(
        self, *args: Any, models: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(models)
