"""The shapes of the catalog's replies, for the OpenAPI document."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from catalog.models import DemandKind, Mode, PrivacyTier, Region

Shape = serializers.Serializer[Any]

STATUSES = ("active", "not_connected", "disabled", "retired", "unpriced")
OPERATIONS = ("responses", "embeddings", "vision")


def _one_of(words: Iterable[str]) -> serializers.CharField:
    """Return a text field that names its words; new ones may join them later."""
    return serializers.CharField(help_text=f"One of {', '.join(words)}.")


class CatalogTierSerializer(Shape):
    above_input_tokens = serializers.IntegerField()
    input = serializers.CharField()
    cached_input = serializers.CharField()
    output = serializers.CharField()


class CatalogPricesSerializer(Shape):
    currency = serializers.CharField()
    per_tokens = serializers.IntegerField()
    input = serializers.CharField()
    cached_input = serializers.CharField()
    output = serializers.CharField()
    tiers = CatalogTierSerializer(many=True)


class CatalogPrivacySerializer(Shape):
    tiers = serializers.ListField(child=_one_of(PrivacyTier.values))
    retention_days = serializers.IntegerField(allow_null=True)
    trains_on_data = serializers.BooleanField()
    zero_retention_available = serializers.BooleanField()


class CatalogOfferingSerializer(Shape):
    id = serializers.CharField()
    provider = serializers.CharField()
    provider_name = serializers.CharField()
    provider_model = serializers.CharField()
    mode = _one_of(Mode.values)
    regions = serializers.ListField(child=_one_of(Region.values))
    privacy = CatalogPrivacySerializer()
    context_window = serializers.IntegerField()
    max_output_tokens = serializers.IntegerField()
    prices = CatalogPricesSerializer(allow_null=True)
    price_basis = serializers.CharField(allow_null=True)
    source = serializers.CharField(  # type: ignore[assignment] # DRF moves it away
        allow_null=True
    )
    as_of = serializers.DateField(allow_null=True)
    deprecates_at = serializers.DateTimeField(allow_null=True)
    status = _one_of(STATUSES)


class CatalogCapabilitiesSerializer(Shape):
    vision = serializers.BooleanField()
    json_schema = serializers.BooleanField()
    tools = serializers.BooleanField()
    sampling = serializers.BooleanField()
    embedding_dimensions = serializers.IntegerField(allow_null=True)


class CatalogModelSerializer(Shape):
    slug = serializers.CharField()
    display_name = serializers.CharField()
    family = serializers.CharField()
    operations = serializers.ListField(child=_one_of(OPERATIONS))
    context_window = serializers.IntegerField()
    max_output_tokens = serializers.IntegerField()
    default_max_output_tokens = serializers.IntegerField()
    capabilities = CatalogCapabilitiesSerializer()
    deprecates_at = serializers.DateTimeField(allow_null=True)
    provider_offerings = CatalogOfferingSerializer(many=True)


class CatalogModelDetailSerializer(CatalogModelSerializer):
    routing = serializers.DictField()
    example_manifest = serializers.DictField()


class CatalogHealthSerializer(Shape):
    basis = _one_of(("observed", "too_few_calls"))
    success_rate = serializers.FloatField(allow_null=True)
    latency_ms_p50 = serializers.IntegerField(allow_null=True)
    latency_ms_p95 = serializers.IntegerField(allow_null=True)


class CatalogPresentSerializer(Shape):
    backlog = _one_of(("none", "small", "medium", "large"))
    open_breakers = serializers.IntegerField()
    drifting_lanes = serializers.IntegerField(
        help_text="Lanes whose answers have become worse; they are trusted less."
    )


class CatalogProviderSerializer(Shape):
    slug = serializers.CharField()
    display_name = serializers.CharField()
    website = serializers.CharField()
    regions = serializers.ListField(child=_one_of(Region.values))
    modes = serializers.ListField(child=_one_of(Mode.values))
    retention_days = serializers.IntegerField(allow_null=True)
    trains_on_data = serializers.BooleanField()
    zero_retention_available = serializers.BooleanField()
    privacy_tiers = serializers.ListField(child=_one_of(PrivacyTier.values))
    status = _one_of(("enabled", "disabled"))
    health = serializers.DictField(child=CatalogHealthSerializer())
    present = CatalogPresentSerializer()
    facts = serializers.ListField(child=serializers.DictField())
    as_of = serializers.DateField()


class CatalogProviderDetailSerializer(CatalogProviderSerializer):
    models = serializers.ListField(child=serializers.CharField())


class CatalogWorkflowProductSerializer(Shape):
    slug = serializers.CharField()
    version = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    preset_manifest = serializers.DictField()
    default_route_products = serializers.ListField(child=serializers.DictField())
    artifact_contract = serializers.DictField()
    webhook_contract = serializers.DictField()
    success_sla = serializers.DictField()
    workflow_fee_bps = serializers.IntegerField()
    verification = serializers.DictField()


class CatalogRoutePolicySerializer(Shape):
    name = serializers.CharField()
    summary = serializers.CharField()
    manifest_defaults = serializers.DictField()


class CatalogFiguresSerializer(Shape):
    slug = serializers.CharField()
    items = serializers.IntegerField()
    tokens = serializers.IntegerField()
    batches = serializers.IntegerField()
    share = serializers.CharField()
    change = serializers.CharField(allow_null=True)


class CatalogRankingRowSerializer(CatalogFiguresSerializer):
    rank = serializers.IntegerField()
    display_name = serializers.CharField()


def _list_of(
    name: str, row: Shape, **more: serializers.Field[Any, Any, Any, Any]
) -> Shape:
    """Return the list envelope around rows of one shape."""
    envelope: dict[str, serializers.Field[Any, Any, Any, Any]] = {
        "object": serializers.CharField(),
        "data": row,
        "has_more": serializers.BooleanField(),
        "next_cursor": serializers.CharField(allow_null=True),
    }
    return inline_serializer(name, {**envelope, **more})


MODEL_LIST = _list_of("CatalogModelList", CatalogModelSerializer(many=True))
PROVIDER_LIST = _list_of("CatalogProviderList", CatalogProviderSerializer(many=True))
WORKFLOW_PRODUCT_LIST = _list_of(
    "CatalogWorkflowProductList", CatalogWorkflowProductSerializer(many=True)
)
ROUTE_POLICY_LIST = _list_of(
    "CatalogRoutePolicyList", CatalogRoutePolicySerializer(many=True)
)
RANKING = _list_of(
    "CatalogRanking",
    CatalogRankingRowSerializer(many=True),
    kind=_one_of(DemandKind.values),
    window=serializers.CharField(),
    start_date=serializers.DateField(),
    end_date=serializers.DateField(),
    share_basis=serializers.CharField(),
    other=CatalogFiguresSerializer(allow_null=True),
)
