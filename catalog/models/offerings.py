"""Models as customers name them, who offers them, and their dated prices."""

from django.db import models

from batchrouter.kit import clock, ids
from catalog.models.providers import PrivacyTier, Provider, Region


class Mode(models.TextChoices):
    """How items travel."""

    BATCH = "batch"  # many in one native job of the provider
    DIRECT = "direct"  # one call per item


def new_offering_id() -> str:
    """Make an offering's public id."""
    return ids.new_id("off")


class ModelProfile(models.Model):
    """A model under the slug that customers write.

    Context, output and abilities are the best that any provider offers it with; an
    offering has its own.
    """

    slug = models.CharField(max_length=120, unique=True)
    display_name = models.CharField(max_length=120)
    family = models.CharField(max_length=60)
    operations = models.JSONField(default=list)
    context_window = models.PositiveIntegerField()
    # 0 for embeddings.
    max_output_tokens = models.PositiveIntegerField()
    # The cap for an item that gives none; it is quoted and sent to the provider.
    default_max_output_tokens = models.PositiveIntegerField()
    supports_vision = models.BooleanField(default=False)
    supports_schema = models.BooleanField(default=False)
    supports_tools = models.BooleanField(default=False)
    supports_sampling = models.BooleanField(default=True)
    embedding_dimensions = models.PositiveIntegerField(null=True, blank=True)
    # A prior from 0 to 1 by price tier; its source is in data/models.json.
    quality = models.FloatField()
    quality_source = models.CharField(max_length=400)
    # Tokens per o200k token, times 10,000; None takes the provider's.
    token_factor_bps = models.PositiveIntegerField(null=True, blank=True)
    # The last provider stops at this instant; None while one has named no date.
    deprecates_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quality__range=(0.0, 1.0)),
                name="model_quality_range",
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class Offering(models.Model):
    """A provider's way to run a model: mode, region and privacy."""

    public_id = models.CharField(max_length=40, unique=True, default=new_offering_id)
    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="offerings"
    )
    model = models.ForeignKey(
        ModelProfile, on_delete=models.PROTECT, related_name="offerings"
    )
    mode = models.CharField(max_length=6, choices=Mode.choices)
    region = models.CharField(max_length=8, choices=Region.choices)
    # The highest tier that the provider's terms allow here.
    privacy = models.CharField(max_length=12, choices=PrivacyTier.choices)
    # The provider's own name of the model.
    provider_model = models.CharField(max_length=160)
    # Which code speaks to it; empty is "not connected yet".
    adapter = models.CharField(max_length=40, blank=True)
    # The operators' switch: the loader sets it once and leaves it alone.
    enabled = models.BooleanField(default=True)
    context_window = models.PositiveIntegerField()
    max_output_tokens = models.PositiveIntegerField()
    supports_vision = models.BooleanField(default=False)
    supports_schema = models.BooleanField(default=False)
    supports_tools = models.BooleanField(default=False)
    supports_sampling = models.BooleanField(default=True)
    deprecates_at = models.DateTimeField(null=True, blank=True)
    # Priors, until outcomes are observed; their source is in data/providers.json.
    reliability_prior = models.FloatField()
    latency_ms = models.PositiveIntegerField()
    batch_seconds = models.PositiveIntegerField()
    items_per_second = models.FloatField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model", "mode", "region", "privacy"],
                name="offering_once",
            ),
            models.CheckConstraint(
                condition=models.Q(reliability_prior__range=(0.0, 1.0)),
                name="offering_reliability_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.provider_model} {self.mode} {self.region}"


class OfferingPrice(models.Model):
    """One dated price. The database refuses to change or delete it.

    Rates are nano-dollars per million tokens.
    """

    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, related_name="prices"
    )
    valid_from = models.DateTimeField()
    input = models.BigIntegerField()
    cached_input = models.BigIntegerField()
    output = models.BigIntegerField()
    # Dearer rates for long inputs, ascending:
    # [{above_input_tokens, input, cached_input, output}].
    tiers = models.JSONField(default=list, blank=True)
    source = models.CharField(max_length=200)
    as_of = models.DateField()
    # How the figure was come by, such as "listed" or "derived: half of the list price".
    price_basis = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "valid_from"], name="price_once_per_instant"
            ),
            models.CheckConstraint(
                condition=models.Q(input__gte=0, cached_input__gte=0, output__gte=0),
                name="price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"price {self.pk} of {self.offering_id} from {self.valid_from:%Y-%m-%d}"
