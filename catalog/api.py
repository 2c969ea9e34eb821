"""The public catalog: anyone may read it, and caches may keep it for a minute."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from batchrouter.kit import clock, hashing
from batchrouter.kit.errors import InvalidRequest, NotFound
from batchrouter.web.pagination import (
    LIMIT_MAX,
    list_json,
    make_cursor,
    read_page,
    single_value,
)
from catalog import demand, health, queries, rendering, schemas, selectors
from catalog.models import DemandKind, ModelProfile, PrivacyTier, Provider, Region
from catalog.policies import POLICIES

CACHE_SECONDS = 60
_TAG = ["Catalog"]


class CatalogView(APIView):
    """A public, cacheable page; ``parameters`` are the ones it takes."""

    authentication_classes = []
    permission_classes = []
    parameters: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse parameters that would be silently without effect."""
        super().initial(request, *args, **kwargs)
        for name in request.query_params:
            if name not in self.parameters:
                raise InvalidRequest(
                    f"This address takes no parameter {name[:80]!r}.", param=name[:80]
                )


def cacheable(request: Request, payload: Mapping[str, Any]) -> Response:
    """Answer with validators, or 304 where the caller has this already."""
    digest = hashing.sha256_hex(hashing.canonical_json(payload))
    tag = f'"{digest[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={CACHE_SECONDS}"}
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or tag in {entry.removeprefix("W/") for entry in known}:
        return Response(status=304, headers=headers)
    return Response(payload, headers=headers)


def choice(request: Request, name: str, allowed: Collection[str]) -> str | None:
    """Read a filter that takes one of a few words.

    Raises:
        InvalidRequest: another word, naming the field and the words.
    """
    value = single_value(request, name)
    if value is not None and value not in allowed:
        raise InvalidRequest(
            f"{name} must be one of {', '.join(allowed)}.",
            param=name,
            details={"allowed": list(allowed)},
        )
    return value


def _filter(name: str, allowed: Collection[str] | None, text: str) -> OpenApiParameter:
    words = None if allowed is None else list(allowed)
    return OpenApiParameter(name, str, description=text, enum=words)


_LIMIT = OpenApiParameter("limit", int, description=f"1 to {LIMIT_MAX}.")
_CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the last page.")
_OPERATION = _filter("operation", schemas.OPERATIONS, "Only what can do this.")
_PROVIDER = _filter("provider", None, "A provider's slug.")


def _provider_slugs() -> list[str]:
    return list(Provider.objects.order_by("pk").values_list("key", flat=True))


class ModelListView(CatalogView):
    """GET /v1/catalog/models."""

    parameters = frozenset(
        {"operation", "provider", "region", "privacy_tier", "limit", "cursor"}
    )

    @extend_schema(
        operation_id="catalog_models_list",
        summary="List models with their offerings and prices",
        tags=_TAG,
        auth=[],
        parameters=[
            _OPERATION,
            _PROVIDER,
            _filter("region", Region.values, "Only offerings processed there."),
            _filter("privacy_tier", PrivacyTier.values, "Only offerings fit for it."),
            _LIMIT,
            _CURSOR,
        ],
        responses=schemas.MODEL_LIST,
    )
    def get(self, request: Request) -> Response:
        now = clock.now()
        page = read_page(request, list_name="catalog.models", limit_default=LIMIT_MAX)
        rows = queries.models_with_offerings(
            now=now,
            operation=choice(request, "operation", schemas.OPERATIONS),
            provider=choice(request, "provider", _provider_slugs()),
            region=choice(request, "region", Region.values),
            privacy_tier=choice(request, "privacy_tier", PrivacyTier.values),
        )
        if page.after is not None:
            rows = rows.filter(pk__gt=page.after)
        found = list(rows[: page.limit + 1])
        shown, has_more = found[: page.limit], len(found) > page.limit
        cursor = make_cursor(shown[-1].pk, page.binding) if has_more else None
        data = [rendering.model_json(row, now=now) for row in shown]
        return cacheable(
            request, list_json(data, has_more=has_more, next_cursor=cursor)
        )


class ModelView(CatalogView):
    """GET /v1/catalog/models/{slug}; the slug may hold slashes."""

    @extend_schema(
        operation_id="catalog_models_retrieve",
        summary="Fetch one model with its routing and an example manifest",
        tags=_TAG,
        auth=[],
        responses=schemas.CatalogModelDetailSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        now = clock.now()
        row = queries.models_with_offerings(now=now).filter(slug=slug).first()
        if row is None:
            raise selectors.UnknownModel(f"There is no model {slug[:120]!r}.")
        return cacheable(request, rendering.model_detail_json(row, now=now))


class ProviderListView(CatalogView):
    """GET /v1/catalog/providers."""

    @extend_schema(
        operation_id="catalog_providers_list",
        summary="List providers and how they treat the data",
        tags=_TAG,
        auth=[],
        responses=schemas.PROVIDER_LIST,
    )
    def get(self, request: Request) -> Response:
        render = _provider_renderer(clock.now())
        data = [render(row) for row in Provider.objects.order_by("pk")]
        return cacheable(request, list_json(data, has_more=False, next_cursor=None))


class ProviderView(CatalogView):
    """GET /v1/catalog/providers/{slug}."""

    @extend_schema(
        operation_id="catalog_providers_retrieve",
        summary="Fetch one provider with the models it offers",
        tags=_TAG,
        auth=[],
        responses=schemas.CatalogProviderDetailSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        row = Provider.objects.filter(key=slug).first()
        if row is None:
            raise NotFound(f"There is no provider {slug[:80]!r}.")
        render = _provider_renderer(clock.now())
        models = ModelProfile.objects.filter(offerings__provider=row)
        slugs = models.order_by("pk").values_list("slug", flat=True).distinct()
        return cacheable(request, render(row) | {"models": list(slugs)})


def _provider_renderer(now: datetime) -> Callable[[Provider], dict[str, Any]]:
    """Read how all providers fare once, for the pages that show them."""
    observed = health.health_by_provider(now=now)
    present = health.present_by_provider(now=now)
    return lambda row: rendering.provider_json(
        row,
        observed.get(row.pk, health.unknown_health()),
        present.get(row.pk, health.IDLE),
    )


class WorkflowProductListView(CatalogView):
    """GET /v1/catalog/workflow-products."""

    @extend_schema(
        operation_id="catalog_workflow_products_list",
        summary="List packaged jobs with their preset manifests",
        tags=_TAG,
        auth=[],
        responses=schemas.WORKFLOW_PRODUCT_LIST,
    )
    def get(self, request: Request) -> Response:
        data = [rendering.workflow_json(row) for row in queries.current_workflows()]
        return cacheable(request, list_json(data, has_more=False, next_cursor=None))


class WorkflowProductView(CatalogView):
    """GET /v1/catalog/workflow-products/{slug}, or ``slug@v1`` for that version."""

    @extend_schema(
        operation_id="catalog_workflow_products_retrieve",
        summary="Fetch one packaged job",
        tags=_TAG,
        auth=[],
        responses=schemas.CatalogWorkflowProductSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        row = selectors.workflow_row(slug)
        return cacheable(request, rendering.workflow_json(row))


class RankingView(CatalogView):
    """GET /v1/catalog/rankings."""

    parameters = frozenset({"window", "kind", "provider", "operation"})

    @extend_schema(
        operation_id="catalog_rankings_list",
        summary="Rank models or workflow products by settled demand",
        description=(
            "Whole UTC days; the window ends with today. Shares are of items. What "
            "fewer than three organizations stand behind is folded into `other`."
        ),
        tags=_TAG,
        auth=[],
        parameters=[
            _filter("window", demand.WINDOW_DAYS, "Default `30d`."),
            _filter("kind", DemandKind.values, "Default `model`."),
            _PROVIDER,
            _OPERATION,
        ],
        responses=schemas.RANKING,
    )
    def get(self, request: Request) -> Response:
        kind = choice(request, "kind", DemandKind.values) or DemandKind.MODEL.value
        window = choice(request, "window", demand.WINDOW_DAYS) or "30d"
        ranking = demand.ranking(
            kind=kind,
            window=window,
            today=clock.now().date(),
            provider=choice(request, "provider", _provider_slugs()),
            operation=choice(request, "operation", schemas.OPERATIONS),
        )
        data = rendering.ranking_json(ranking, queries.display_names(kind))
        other = ranking.other
        return cacheable(
            request,
            list_json(data, has_more=False, next_cursor=None)
            | {
                "kind": kind,
                "window": window,
                "start_date": ranking.start.isoformat(),
                "end_date": ranking.end.isoformat(),
                "share_basis": "items",
                "other": None if other is None else rendering.figures(other),
            },
        )


class RoutePolicyListView(CatalogView):
    """GET /v1/route-policies."""

    @extend_schema(
        operation_id="route_policies_list",
        summary="List the named policies a manifest may ask for",
        tags=_TAG,
        auth=[],
        responses=schemas.ROUTE_POLICY_LIST,
    )
    def get(self, request: Request) -> Response:
        data = [rendering.policy_json(policy) for policy in POLICIES.values()]
        return cacheable(request, list_json(data, has_more=False, next_cursor=None))
