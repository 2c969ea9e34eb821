"""Providers, models, offerings and prices for tests."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from datetime import UTC, date, datetime

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from catalog.models import Mode, ModelProfile, Offering, OfferingPrice, Provider

# Prices of a factory hold from here on, so any later ``now`` finds them.
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class ProviderFactory(DjangoModelFactory[Provider]):
    """An enabled provider that counts tokens as o200k does."""

    class Meta:
        model = Provider
        django_get_or_create = ("key",)

    key = Sequence(lambda number: f"provider{number}")
    display_name = LazyAttribute(lambda row: row.key.title())
    website = "https://provider.example"
    regions = ["global"]
    retention_days = 30
    trains_on_data = False
    zero_retention_available = False
    privacy_tiers = ["standard", "confidential"]
    modes = ["batch", "direct"]
    as_of = date(2026, 11, 22)
    token_factor_bps = 10_000
    message_overhead_tokens = 16


class ModelProfileFactory(DjangoModelFactory[ModelProfile]):
    """A model that answers text in a schema and sees images."""

    class Meta:
        model = ModelProfile
        django_get_or_create = ("slug",)

    slug = Sequence(lambda number: f"model-{number}")
    display_name = LazyAttribute(lambda row: row.slug.title())
    family = "test"
    operations = ["responses", "vision"]
    context_window = 272_000
    max_output_tokens = 128_000
    default_max_output_tokens = 1024
    supports_vision = True
    supports_schema = True
    supports_tools = True
    supports_sampling = True
    quality = 0.92
    quality_source = "tests"


class OfferingFactory(DjangoModelFactory[Offering]):
    """A connected direct offering without a price."""

    class Meta:
        model = Offering

    provider = SubFactory(ProviderFactory)
    model = SubFactory(ModelProfileFactory)
    mode = Mode.DIRECT
    region = "global"
    privacy = "confidential"
    provider_model = LazyAttribute(lambda row: row.model.slug)
    adapter = "openai"
    context_window = LazyAttribute(lambda row: row.model.context_window)
    max_output_tokens = LazyAttribute(lambda row: row.model.max_output_tokens)
    supports_vision = LazyAttribute(lambda row: row.model.supports_vision)
    supports_schema = LazyAttribute(lambda row: row.model.supports_schema)
    supports_tools = LazyAttribute(lambda row: row.model.supports_tools)
    supports_sampling = LazyAttribute(lambda row: row.model.supports_sampling)
    reliability_prior = 0.985
    latency_ms = 2500
    batch_seconds = 3600
    items_per_second = 40.0


class OfferingPriceFactory(DjangoModelFactory[OfferingPrice]):
    """The price of a new offering: 0.75 in, 0.075 cached, 4.50 out, USD per million."""

    class Meta:
        model = OfferingPrice

    offering = SubFactory(OfferingFactory)
    valid_from = LONG_AGO
    input = 750_000_000
    cached_input = 75_000_000
    output = 4_500_000_000
    source = "https://provider.example/prices"
    as_of = date(2026, 1, 1)
    price_basis = "listed"
