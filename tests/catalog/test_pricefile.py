"""A price map is taken whole and exact, or refused with every fault by its line."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog.datafiles import DATA_DIR
from catalog.pricefile import FILE_BYTES_MAX, PriceFileRefused, read_price_file
from tests.catalog.test_sync_prices import price_map, row

TODAY = date(2026, 11, 25)


def faults(data: bytes) -> list[str]:
    with pytest.raises(PriceFileRefused) as refused:
        read_price_file(data, today=TODAY)
    return [str(fault) for fault in refused.value.faults]


def test_our_own_map_is_taken() -> None:
    data = (DATA_DIR / "model_prices.json").read_bytes()

    file = read_price_file(data, today=TODAY)

    assert (file.as_of, len(file.rows)) == (date(2026, 11, 22), 70)
    mini = file.rows["openai", "gpt-5.4-mini"]
    assert mini["batch_input_cost_per_token"] == Decimal("3.75E-7")


def test_every_fault_is_named_with_the_line_of_its_row() -> None:
    data = price_map(row(mode=7), row(model="b"), row(model="c", mode="?"))

    assert faults(data) == [
        "line 8: acme swift: mode: must be chat or embedding",
        "line 42: acme c: mode: must be chat or embedding",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(
            {"input_cost_per_token": -1e-07},
            "input_cost_per_token: must be from 0 to 0.01 USD per token",
            id="negative",
        ),
        pytest.param(
            {"input_cost_per_token": 0.75},
            "input_cost_per_token: must be from 0 to 0.01 USD per token",
            id="per million",
        ),
        pytest.param(
            {"input_cost_per_token": True},
            "input_cost_per_token: must be from 0 to 0.01 USD per token",
            id="true",
        ),
        pytest.param(
            {"input_cost_per_token": "7.5e-07"},
            "input_cost_per_token: must be from 0 to 0.01 USD per token",
            id="text",
        ),
        pytest.param(
            {"input_cost_per_token": None},
            "input_cost_per_token: must be from 0 to 0.01 USD per token",
            id="null",
        ),
        pytest.param(
            {"input_cost_per_token": 1e-16},
            "acme swift direct: 1E-16 USD per token does not fit",
            id="too fine",
        ),
        pytest.param(
            {"output_cost_per_token": None},
            "acme swift direct: no output price",
            id="no output",
        ),
        pytest.param(
            {"long_context_tiers": {"above_200k_tokens": {}}},
            "acme swift direct: the tier lacks input_cost_per_token",
            id="empty tier",
        ),
        pytest.param(
            {"long_context_tiers": {"above_200k_tokens": {"x": -1}}},
            "long_context_tiers: must be tiers of rates in USD per token",
            id="negative tier",
        ),
        pytest.param(
            {"surge_cost": 1}, "'surge_cost' is not a field that we know", id="unknown"
        ),
        pytest.param(
            {"deprecation_date": "soon"},
            "deprecation_date: must be a day such as 2026-11-22",
            id="no day",
        ),
        pytest.param(
            {"source": "x" * 201},
            "source: must be text of 1 to 200 characters",
            id="long source",
        ),
        pytest.param(
            {"flags": {"supports_vision": 1}},
            "flags: must be an object of true and false",
            id="flag",
        ),
        pytest.param(
            {"price_note": "x" * 190},
            "basis and note of direct: at most 200 characters",
            id="long basis",
        ),
    ],
)
def test_a_faulty_value_is_named(columns: dict[str, Any], message: str) -> None:
    assert faults(price_map(row(**columns))) == [f"line 8: acme swift: {message}"]


def test_a_missing_field_is_named() -> None:
    short = row()
    del short["source"]

    assert faults(price_map(short)) == ["line 8: acme swift: source is missing"]


BATCH_FIELDS = (
    "batch_input_cost_per_token",
    "batch_cache_read_input_token_cost",
    "batch_price_basis",
)


def without_batch_fields(**columns: Any) -> dict[str, Any]:
    columns = row(**columns)
    return {name: columns[name] for name in columns if name not in BATCH_FIELDS}


def test_a_model_without_native_jobs_needs_no_batch_fields() -> None:
    file = read_price_file(price_map(without_batch_fields()), today=TODAY)

    assert list(file.rows) == [("acme", "swift")]


def test_a_model_with_native_jobs_needs_the_batch_fields() -> None:
    data = price_map(without_batch_fields(native_batch_api=True))

    assert faults(data) == [
        f"line 8: acme swift: {name} is missing" for name in BATCH_FIELDS
    ]


def test_a_model_that_stands_twice_is_named() -> None:
    assert faults(price_map(row(), row())) == ["line 25: acme swift: stands twice"]


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        pytest.param({"currency": "EUR"}, "currency must be USD", id="currency"),
        pytest.param(
            {"unit": "per 1M tokens"},
            "unit must be 'per token unless named otherwise'",
            id="unit",
        ),
        pytest.param(
            {"extracted_on": "2026-11-26"},
            "extracted_on must not lie in the future",
            id="tomorrow",
        ),
        pytest.param(
            {"extracted_on": 20261122},
            "extracted_on must be a day such as 2026-11-22",
            id="no day",
        ),
    ],
)
def test_a_wrong_head_is_named(meta: dict[str, Any], message: str) -> None:
    document = json.loads(price_map(row()))
    document["_meta"] |= meta

    assert faults(json.dumps(document).encode()) == [f"line 1: _meta: {message}"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"{", "This is not valid JSON", id="broken"),
        pytest.param(b'{"_meta":{},"_meta":{}}', "stands twice", id="key twice"),
        pytest.param(b"[]", "must be an object with _meta and models", id="list"),
        pytest.param(
            b'{"_meta":{},"models":[]}', "a list of 1 to 5000 rows", id="no rows"
        ),
        pytest.param(
            b'{"_meta":{},"models":[' + b"0," * 5000 + b"0]}",
            "a list of 1 to 5000 rows",
            id="many rows",
        ),
        pytest.param(b" " * (FILE_BYTES_MAX + 1), "larger than 4194304", id="large"),
    ],
)
def test_what_is_no_price_map_is_refused(data: bytes, message: str) -> None:
    (fault,) = faults(data)

    assert fault.startswith("line 1: the file: ")
    assert message in fault


def test_a_row_that_is_no_object_is_named() -> None:
    data = (
        b'{"models":[7],"_meta":'
        + json.dumps(json.loads(price_map(row()))["_meta"]).encode()
        + b"}"
    )

    assert faults(data) == ["line 1: a row: must be an object"]
