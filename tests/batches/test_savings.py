"""What work would have cost at the rates of imported jobs."""

from datetime import date

from batches.savings import ImportedSum, SettledSum, baseline_of, savings

DAY = date(2026, 10, 5)
NO_FACTORS: dict[tuple[str, str], int] = {}


def imported(
    *, operation: str = "responses", is_export: bool = False, items: int = 10
) -> ImportedSum:
    """Return 1,000 tokens in and 100 out at 2 and 10 dollars a million."""
    return ImportedSum(
        day=DAY,
        model="gpt",
        mode="batch",
        operation=operation,
        is_export=is_export,
        items=items,
        input_tokens=1000,
        output_tokens=100,
        input_numerator=1000 * 2_000_000_000,
        output_numerator=100 * 10_000_000_000,
        cost_nanousd=3_000_000,
    )


def delivered(
    *, operation: str = "responses", charge: int = 1_500_000, provider: str = "openai"
) -> SettledSum:
    return SettledSum(
        DAY, provider, "gpt", operation, f"model:{operation}", 5, 500, 200, charge
    )


def test_delivered_tokens_are_priced_at_the_imported_rates() -> None:
    found = savings(baseline_of([imported()]), "openai", [delivered()], NO_FACTORS)

    assert found is not None
    # 500 in at 2 dollars a million and 200 out at 10.
    assert found.at_baseline_nanousd == 1_000_000 + 2_000_000
    assert found.amount_nanousd == 1_500_000
    assert found.percent == 50.0


def test_a_dearer_month_is_told_as_it_is() -> None:
    dear = delivered(charge=6_000_000)

    found = savings(baseline_of([imported()]), "openai", [dear], NO_FACTORS)

    assert found is not None
    assert (found.amount_nanousd, found.percent) == (-3_000_000, -100.0)


def test_work_that_no_import_has_is_left_out() -> None:
    work = [delivered(), delivered(operation="embeddings", charge=7)]

    found = savings(baseline_of([imported()]), "openai", work, NO_FACTORS)

    assert found is not None
    assert (found.items, found.left_out_items, found.left_out_nanousd) == (5, 5, 7)


def test_nothing_in_common_is_no_savings() -> None:
    work = [delivered(operation="embeddings")]

    assert savings(baseline_of([imported()]), "openai", work, NO_FACTORS) is None
    assert savings(baseline_of([]), "openai", [delivered()], NO_FACTORS) is None


def test_tokens_of_another_tokenizer_are_put_on_one_scale() -> None:
    factors = {("anthropic", "gpt"): 12_500, ("openai", "gpt"): 10_000}
    work = [delivered(provider="anthropic")]

    found = savings(baseline_of([imported()]), "openai", work, factors)

    assert found is not None
    # 500 and 200 of Anthropic's tokens are 400 and 160 of OpenAI's.
    assert found.at_baseline_nanousd == 800_000 + 1_600_000


def test_an_export_stands_for_the_job_files_of_its_day() -> None:
    baseline = baseline_of([imported(items=3), imported(is_export=True, items=10)])

    assert (baseline.items, baseline.cost_nanousd) == (10, 3_000_000)
    assert (baseline.overlap_items, baseline.overlap_nanousd) == (3, 3_000_000)
