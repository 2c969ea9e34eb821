"""The data files say exact prices and name only what exists."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from batches.manifest.envelope import read_envelope
from batches.manifest.items import ItemFacts, check_item
from batchrouter.kit.ids import new_id
from catalog.datafiles import DATA_DIR, CatalogDataError, rate
from catalog.models import ModelProfile
from catalog.policies import POLICIES
from catalog.rendering import example_manifest
from catalog.wanted import Wanted, WantedPrice, read_wanted
from routing.adapters.registry import speaks
from tests.catalog.conftest import NOON


@pytest.fixture(scope="module")
def wanted() -> Wanted:
    return read_wanted()


def price(wanted: Wanted, provider: str, slug: str, mode: str) -> WantedPrice:
    (found,) = [
        row.price
        for row in wanted.offerings
        if (row.provider, row.slug, row.mode) == (provider, slug, mode)
    ]
    return found


@pytest.mark.parametrize(
    ("provider", "slug", "mode", "rates"),
    [
        ("openai", "gpt-5.4-mini", "batch", (375_000_000, 37_500_000, 2_250_000_000)),
        ("openai", "gpt-5.4-mini", "direct", (750_000_000, 75_000_000, 4_500_000_000)),
        ("openai", "gpt-5.4", "batch", (1_250_000_000, 130_000_000, 7_500_000_000)),
        ("openai", "text-embedding-3-small", "batch", (10_000_000, 10_000_000, 0)),
        (
            "gemini",
            "gemini-2.5-flash",
            "batch",
            (150_000_000, 30_000_000, 1_250_000_000),
        ),
        ("groq", "openai/gpt-oss-20b", "batch", (37_500_000, 37_500_000, 150_000_000)),
        (
            "deepseek",
            "deepseek-flash",
            "direct",
            (300_000_000, 6_000_000, 1_200_000_000),
        ),
        ("mistral", "mistral-embed", "direct", (100_000_000, 100_000_000, 0)),
    ],
)
def test_a_price_is_exact(
    wanted: Wanted, provider: str, slug: str, mode: str, rates: tuple[int, int, int]
) -> None:
    found = price(wanted, provider, slug, mode)

    assert (found.input, found.cached_input, found.output) == rates


def test_a_long_context_tier_is_exact(wanted: Wanted) -> None:
    assert price(wanted, "openai", "gpt-5.4", "batch").tiers == [
        {
            "above_input_tokens": 272_000,
            "input": 2_500_000_000,
            "cached_input": 250_000_000,
            "output": 11_250_000_000,
        }
    ]


def test_a_tier_of_another_size_is_exact(wanted: Wanted) -> None:
    assert price(wanted, "anthropic", "claude-haiku-5-5", "direct").tiers == [
        {
            "above_input_tokens": 100_000,
            "input": 500_000_000,
            "cached_input": 50_000_000,
            "output": 2_500_000_000,
        }
    ]


def test_a_rate_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CatalogDataError):
        rate(Decimal("1.5E-16"), "a model")


def test_a_rate_survives_what_a_float_would_not() -> None:
    assert rate(Decimal("1.3E-7"), "a model") == 130_000_000


def test_together_has_no_batch_offering(wanted: Wanted) -> None:
    assert {r.mode for r in wanted.offerings if r.provider == "together"} == {"direct"}


def test_deepseek_has_no_batch_offering(wanted: Wanted) -> None:
    assert {r.mode for r in wanted.offerings if r.provider == "deepseek"} == {"direct"}


def test_native_batch_is_offered_by_six_providers(wanted: Wanted) -> None:
    assert {row.provider for row in wanted.offerings if row.mode == "batch"} == {
        "openai",
        "anthropic",
        "gemini",
        "mistral",
        "groq",
        "fireworks",
    }


def test_there_are_ten_providers(wanted: Wanted) -> None:
    assert len(wanted.providers) == 10


def test_one_slug_stands_at_two_providers(wanted: Wanted) -> None:
    offered = {r.provider for r in wanted.offerings if r.slug == "openai/gpt-oss-120b"}

    assert offered == {"groq", "together"}


def test_an_offering_names_an_adapter_that_there_is_or_none(wanted: Wanted) -> None:
    for row in wanted.offerings:
        adapter = row.fields["adapter"]
        assert adapter == "" or speaks(adapter, row.mode), row


def test_no_lane_claims_a_tier_its_provider_does_not(wanted: Wanted) -> None:
    for row in wanted.offerings:
        assert row.privacy in wanted.providers[row.provider]["privacy_tiers"]


def test_no_lane_runs_in_a_mode_its_provider_lacks(wanted: Wanted) -> None:
    for row in wanted.offerings:
        assert row.mode in wanted.providers[row.provider]["modes"]


def test_a_confidential_lane_neither_trains_nor_keeps_long(wanted: Wanted) -> None:
    for row in wanted.offerings:
        if row.privacy == "confidential":
            posture = wanted.providers[row.provider]
            assert not posture["trains_on_data"]
            assert posture["retention_days"] <= 30


def test_openai_reasoning_models_take_no_temperature(wanted: Wanted) -> None:
    sampling = {
        row.slug: row.fields["supports_sampling"]
        for row in wanted.offerings
        if row.provider == "openai" and row.mode == "direct"
    }

    assert (sampling["gpt-5.4-mini"], sampling["gpt-4.1"]) == (False, True)


def test_the_default_cap_is_1024_tokens(wanted: Wanted) -> None:
    assert wanted.models["gpt-5.4-mini"]["default_max_output_tokens"] == 1024


def test_an_embedding_model_has_no_output_cap(wanted: Wanted) -> None:
    embedding = wanted.models["text-embedding-3-small"]

    assert embedding["default_max_output_tokens"] == 0
    assert embedding["embedding_dimensions"] == 1536


def test_a_price_without_a_profile_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DATA_DIR, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "models.json"
    document = json.loads(path.read_bytes())
    del document["models"][0]
    path.write_text(json.dumps(document))

    with pytest.raises(CatalogDataError, match="no profile"):
        read_wanted(tmp_path)


def items(wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    for (slug, _), product in wanted.workflows.items():
        for item in product["preset_manifest"]["items"]:
            yield slug, item


def test_there_are_at_least_six_products(wanted: Wanted) -> None:
    assert len(wanted.workflows) >= 6


def test_presets_name_known_models_that_do_the_operation(wanted: Wanted) -> None:
    for _, item in items(wanted):
        for slug in [item["model"], *item["model_options"]]:
            assert item["operation"] in wanted.models[slug]["operations"]


def test_presets_name_their_model_first(wanted: Wanted) -> None:
    for _, item in items(wanted):
        assert item["model_options"][0] == item["model"]


def test_item_ids_are_unique_in_a_preset(wanted: Wanted) -> None:
    for product in wanted.workflows.values():
        ids = [i["customer_item_id"] for i in product["preset_manifest"]["items"]]
        assert len(ids) == len(set(ids)) > 0


def test_preset_items_pass_the_check_of_manifests(wanted: Wanted) -> None:
    for _, item in items(wanted):
        assert isinstance(check_item(item), ItemFacts)


def test_presets_ask_for_their_own_product(wanted: Wanted) -> None:
    for (slug, _), product in wanted.workflows.items():
        assert read_envelope(product["preset_manifest"], now=NOON).workflow == slug


def test_preset_schemas_are_schemas_in_the_strict_form(wanted: Wanted) -> None:
    for _, item in items(wanted):
        if item["operation"] == "embeddings":
            continue
        schema = item["verify"]["json_schema"]
        jsonschema_rs.meta.validate(schema)
        assert schema == item["input"]["text"]["format"]["schema"]
        assert_strict(schema)


def assert_strict(schema: dict[str, Any]) -> None:
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        for inner in schema["properties"].values():
            assert_strict(inner)
    if schema.get("type") == "array":
        assert_strict(schema["items"])


def test_default_routes_are_offered(wanted: Wanted) -> None:
    offered = {(row.provider, row.slug, row.mode) for row in wanted.offerings}
    for product in wanted.workflows.values():
        for route in product["default_route_products"]:
            assert (route["provider"], route["model"], route["mode"]) in offered


def test_products_cost_the_workflow_fee(wanted: Wanted) -> None:
    assert {row["workflow_fee_bps"] for row in wanted.workflows.values()} == {1180}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_holds_what_a_manifest_may_ask_for(name: str) -> None:
    asked = {**POLICIES[name].manifest_defaults, "input_file_id": new_id("file")}

    spec = read_envelope(asked, now=NOON)

    assert spec.routing_mode == POLICIES[name].manifest_defaults["routing_mode"]


@pytest.mark.parametrize("slug", ["gpt-5.4-mini", "text-embedding-3-small"])
def test_an_example_manifest_passes_the_check_of_manifests(
    wanted: Wanted, slug: str
) -> None:
    manifest = example_manifest(ModelProfile(slug=slug, **wanted.models[slug]))

    assert isinstance(check_item(manifest["items"][0]), ItemFacts)
    assert read_envelope(manifest, now=NOON).allowed_regions == ("global",)
