"""The shapes of requests and replies, for the OpenAPI document only.

Bodies are read by batches/manifest and written by batches/rendering; these serializers
describe them and run in no request.
"""

from rest_framework import serializers

from batches.states import BatchState, ImportState
from batchrouter.web.schemas import (
    IDEMPOTENCY_KEY,
    PAGE,
    ListReply,
    Money,
    Shape,
    errors,
)

__all__ = ["IDEMPOTENCY_KEY", "PAGE", "ListReply", "errors"]


UPLOAD_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {
            "type": "string",
            "enum": ["manifest", "import"],
            "default": "manifest",
            "description": "import keeps a file of past jobs for POST /v1/imports.",
        },
    },
}


class Verify(Shape):
    json_schema = serializers.DictField(
        required=False, help_text="The answer is JSON that meets it. 64 KiB at most."
    )
    min_length = serializers.IntegerField(
        required=False, min_value=1, max_value=1_000_000, help_text="Characters."
    )
    max_length = serializers.IntegerField(
        required=False, min_value=1, max_value=1_000_000, help_text="Characters."
    )
    regex = serializers.CharField(
        required=False,
        max_length=512,
        help_text="RE2; found anywhere in the answer, so anchor it to match the whole.",
    )
    on_fail = serializers.ChoiceField(
        ["retry", "fallback", "review"],
        required=False,
        help_text="What follows from an answer that fails a check: another try there "
        "and then on the next lanes, the next lane at once, or delivery in the review "
        "file. Without it, answers that were declined or cut off go to review and the "
        "rest is tried again.",
    )


class Golden(Shape):
    expected = serializers.JSONField(help_text="The right answer; 64 KiB at most.")
    match = serializers.ChoiceField(
        ["exact", "json", "contains", "regex"],
        required=False,
        default="exact",
        help_text="exact: the same text but for space around it; json: an equal value; "
        "contains: the text is in the answer; regex: RE2 finds it in the answer.",
    )


class Item(Shape):
    customer_item_id = serializers.CharField(max_length=128)
    operation = serializers.ChoiceField(["responses", "embeddings", "vision"])
    model = serializers.CharField()
    model_options = serializers.ListField(child=serializers.CharField(), required=False)
    input = serializers.JSONField(
        help_text="Plain text, the Responses form (input) or the chat form (messages)."
    )
    verify = Verify(required=False)
    golden = Golden(
        required=False,
        help_text="Your own right answer: the lane is scored by it and the row is not "
        "charged. One item in twenty may have one. Providers never see it.",
    )
    metadata = serializers.DictField(required=False)


class ManifestBody(Shape):
    sla_tier = serializers.ChoiceField(
        ["standard", "flex", "priority"], required=False, default="standard"
    )
    deadline_at = serializers.DateTimeField(required=False)
    routing_mode = serializers.CharField(required=False, default="sla_aware")
    route_policy = serializers.CharField(required=False)
    privacy_tier = serializers.ChoiceField(
        ["standard", "confidential", "restricted"], required=False, default="standard"
    )
    allowed_regions = serializers.ListField(
        child=serializers.ChoiceField(["global", "eu", "us"]), required=False
    )
    provider_preferences = serializers.DictField(required=False)
    max_price = serializers.JSONField(required=False)
    delivery = serializers.DictField(
        required=False,
        help_text="{webhook_url, secret?}: who is told of the batch, and the secret "
        "that signs in place of the organization's (24 to 64 bytes).",
    )
    metadata = serializers.DictField(child=serializers.CharField(), required=False)
    workflow = serializers.CharField(required=False)
    on_invalid = serializers.ChoiceField(["reject", "skip"], required=False)
    exclude_golden = serializers.BooleanField(
        required=False,
        help_text="Rows of golden items go into a file of their own and are left out "
        "of the results.",
    )
    retention_days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=365,
        help_text="Days that inputs and outputs are kept after the end; the account's "
        "where left out.",
    )
    dedupe = serializers.BooleanField(
        required=False,
        help_text="Identical items run once and are billed once, whatever their "
        "temperature: leave it out where repeated items are to be sampled anew.",
    )
    items = Item(many=True, required=False, help_text="1 to 5,000; or input_file_id")
    input_file_id = serializers.CharField(required=False)


class BatchCreateBody(ManifestBody):
    quote_id = serializers.CharField(
        required=False,
        help_text="A quote's, or that of a point of its price_deadline_curve.",
    )


class RetryBody(Shape):
    only = serializers.ChoiceField(
        ["failed", "expired", "all_unfinished"],
        required=False,
        help_text="all_unfinished, the default, is failed, expired and canceled.",
    )
    error_codes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of the items' rows."
    )
    customer_item_ids = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Just these, 5,000 at most; each must be unfinished.",
    )
    submit = serializers.BooleanField(
        required=False, help_text="Run them at once instead of quoting them."
    )


class FundingPreview(Shape):
    available = Money()
    reserved = Money()
    quote_total = Money()
    shortfall = Money()
    can_fund = serializers.BooleanField()


class PricingEstimate(Shape):
    currency = serializers.CharField()
    provider_subtotal = serializers.CharField()
    service_fee = serializers.CharField()
    total = serializers.CharField()
    expected_total = serializers.CharField()


class RouteDecision(Shape):
    selected_provider = serializers.CharField(allow_null=True)
    quality_score = serializers.FloatField(allow_null=True)
    reliability_prior_score = serializers.FloatField(allow_null=True)
    observed_confidence_score = serializers.FloatField(allow_null=True)
    observed_confidence_basis = serializers.ChoiceField(["routing_outcomes", "none"])
    trust_score = serializers.FloatField(allow_null=True)
    fallback_order = serializers.ListField(child=serializers.CharField())
    rejected_providers = serializers.ListField(child=serializers.DictField())


class CurvePoint(Shape):
    quote_id = serializers.CharField(
        allow_null=True,
        help_text="Submits by this deadline at this total, while the quote is valid; "
        "accepting one point makes the others void. The quote's own id where the point "
        "is the quote itself; null where no batch could be made of it.",
    )
    sla_tier = serializers.ChoiceField(["priority", "standard", "flex"])
    window_seconds = serializers.IntegerField()
    deadline_at = serializers.DateTimeField()
    total = serializers.CharField(allow_null=True)
    item_count = serializers.IntegerField()
    modes = serializers.ListField(child=serializers.ChoiceField(["batch", "direct"]))


class Duplicates(Shape):
    count = serializers.IntegerField(
        help_text="Items that are identical to an earlier one: the same operation, "
        "models, input, options and checks."
    )
    collapsed = serializers.BooleanField(
        help_text="Whether they run once and are billed once (dedupe)."
    )
    saved = serializers.CharField(
        help_text="How much lower the total is for it, fee included."
    )


class SampleOffer(Shape):
    eligible = serializers.BooleanField(
        help_text="POST /v1/quotes/{quote_id}/sample runs the first rows for free."
    )
    limit_items = serializers.IntegerField()
    reason = serializers.CharField(allow_null=True, help_text="Why it is not offered.")


class QuoteReply(Shape):
    quote_id = serializers.CharField()
    object = serializers.CharField()
    state = serializers.ChoiceField(["active", "accepted", "expired", "void"])
    valid_until = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    route_version = serializers.CharField()
    item_count = serializers.IntegerField()
    input_file_id = serializers.CharField()
    pricing_estimate = PricingEstimate()
    fee_bps = serializers.IntegerField()
    funding_preview = FundingPreview()
    route_decision = RouteDecision()
    lanes = serializers.ListField(child=serializers.DictField())
    work_units = serializers.ListField(child=serializers.DictField())
    work_units_truncated = serializers.BooleanField()
    price_range = serializers.DictField(allow_null=True)
    price_deadline_curve = CurvePoint(
        many=True, help_text="Empty where the manifest was submitted without a quote."
    )
    sample_run = SampleOffer()
    golden = serializers.DictField(
        help_text="Golden items: how many, and that they are not charged; their tokens "
        "are not in the total."
    )
    duplicates = Duplicates()
    skipped = serializers.ListField(child=serializers.DictField())
    skipped_count = serializers.IntegerField()


class SampleBody(Shape):
    items = serializers.IntegerField(
        required=False, min_value=1, max_value=5, default=5, help_text="The first rows."
    )


class Counts(Shape):
    total = serializers.IntegerField()
    pending = serializers.IntegerField()
    running = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    canceled = serializers.IntegerField()
    expired = serializers.IntegerField()


class BatchSummary(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    org_id = serializers.CharField()
    state = serializers.ChoiceField([str(state) for state in BatchState])
    phase = serializers.CharField()
    terminal_reason = serializers.CharField(allow_null=True)
    is_sample = serializers.BooleanField(
        help_text="On the house: rows are previews, and there are no files of them."
    )
    counts = Counts()
    completeness = serializers.FloatField()
    sla_tier = serializers.CharField()
    routing_mode = serializers.CharField()
    privacy_tier = serializers.CharField()
    allowed_regions = serializers.ListField(child=serializers.CharField())
    pricing_estimate = PricingEstimate()
    charged = serializers.CharField(allow_null=True)
    quote_id = serializers.CharField()
    route_version = serializers.CharField()
    deadline_at = serializers.DateTimeField()
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    input_file_id = serializers.CharField()
    parent_batch_id = serializers.CharField(
        allow_null=True, help_text="The batch whose unfinished items this one runs."
    )
    content_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When inputs and outputs are deleted by themselves."
    )
    content_deleted_at = serializers.DateTimeField(allow_null=True)
    output_file_id = serializers.CharField(allow_null=True)
    output_file_url = serializers.URLField(allow_null=True)
    review_file_id = serializers.CharField(allow_null=True)
    review_file_url = serializers.URLField(allow_null=True)
    error_file_id = serializers.CharField(allow_null=True)
    error_file_url = serializers.URLField(allow_null=True)
    retry_file_id = serializers.CharField(allow_null=True)
    retry_file_url = serializers.URLField(allow_null=True)
    golden_file_id = serializers.CharField(allow_null=True)
    golden_file_url = serializers.URLField(allow_null=True)
    route_receipt_file_id = serializers.CharField(allow_null=True)
    route_receipt_file_url = serializers.URLField(allow_null=True)
    route_receipt_url = serializers.URLField(allow_null=True)
    delivery = serializers.DictField(allow_null=True)
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class Retry(Shape):
    batch_id = serializers.CharField()
    state = serializers.ChoiceField([str(state) for state in BatchState])
    item_count = serializers.IntegerField()


class BatchBody(BatchSummary):
    retries = Retry(many=True)
    progress = serializers.DictField()
    work_units = serializers.ListField(child=serializers.DictField())
    work_units_truncated = serializers.BooleanField()
    execution_summary = serializers.DictField()
    golden = serializers.DictField(
        allow_null=True,
        help_text="Golden items, how many were scored, how many were right, and the "
        "accuracy in all and by lane; null where there are none.",
    )


class BatchReply(BatchBody):
    batch = BatchBody(help_text="The same object again.")


class BatchListReply(ListReply):
    data = BatchSummary(many=True)  # type: ignore[assignment] # narrower than the list's


class RowUsage(Shape):
    input_tokens = serializers.IntegerField(
        help_text="As billed, with those read from and written to a cache."
    )
    cached_tokens = serializers.IntegerField(help_text="Of the input, from a cache.")
    cache_write_tokens = serializers.IntegerField(
        required=False,
        help_text="Of the input, written to a cache, where the provider says so.",
    )
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField(help_text="Of the output.")
    total_tokens = serializers.IntegerField(help_text="Input and output.")
    source = serializers.ChoiceField(  # type: ignore[assignment] # a field, not the property
        ["provider", "estimated", "copy"]
    )


class CopyOf(Shape):
    customer_item_id = serializers.CharField()
    item_id = serializers.CharField()
    sequence_no = serializers.IntegerField()
    output_repeated = serializers.BooleanField(
        help_text="False where there is no output, or the row is longer than 64 KiB: "
        "then only the row that is named has it."
    )


class RowAttempt(Shape):
    batch_id = serializers.CharField()
    number = serializers.IntegerField(help_text="1 is the batch itself.")


class Row(Shape):
    customer_item_id = serializers.CharField()
    item_id = serializers.CharField()
    sequence_no = serializers.IntegerField()
    operation = serializers.CharField()
    status = serializers.ChoiceField(
        ["completed", "failed", "canceled", "expired", "review"]
    )
    provider = serializers.CharField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    provider_model = serializers.CharField(allow_null=True)
    lane = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    dropped_fields = serializers.ListField(
        child=serializers.CharField(),
        help_text="Fields of the item's input that the provider was not sent, because "
        "it or its model does not take them.",
    )
    output = serializers.DictField(allow_null=True)
    copy_of = CopyOf(
        required=False,
        help_text="Of an item that is identical to an earlier one (dedupe): the item "
        "whose answer this is, and which bears its usage and cost.",
    )
    preview = serializers.BooleanField(
        help_text="Of a sample run: 400 characters or 8 numbers of the output."
    )
    repaired = serializers.BooleanField(
        help_text="The output's text is the JSON that was read from the answer; the "
        "answer as it came is in raw."
    )
    usage = RowUsage()
    cost = serializers.DictField()
    golden = serializers.DictField(
        allow_null=True,
        help_text="Of golden items: right tells whether the answer is the expected "
        "one, null where there is none.",
    )
    verification = serializers.DictField(allow_null=True)
    error = serializers.DictField(allow_null=True)
    attempt = RowAttempt(
        required=False,
        help_text="Where the batch was retried: the batch that the row is from.",
    )
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField()


class ResultsReply(ListReply):
    batch_id = serializers.CharField()
    state = serializers.CharField()
    complete = serializers.BooleanField()
    counts = Counts()
    data = Row(many=True)  # type: ignore[assignment] # narrower than the list's


class FileReply(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    purpose = serializers.CharField()
    filename = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    line_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class BatchDeletedReply(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()
    deletion_note = serializers.DictField(help_text="A signed receipt.")


class DeletedReply(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()


class ReceiptReply(Shape):
    receipt = serializers.DictField()
    sha256 = serializers.CharField()
    previous_sha256 = serializers.CharField()
    signature = serializers.CharField()
    key_id = serializers.CharField()
    algorithm = serializers.CharField()


class ImportBody(Shape):
    provider = serializers.ChoiceField(["openai", "anthropic"])
    file_id = serializers.CharField(
        help_text="A file that was uploaded with purpose import."
    )
    window = serializers.DictField(
        child=serializers.DateField(),
        required=False,
        help_text="from and to, days that are both included: what is dated otherwise "
        "is left out, and what has no date counts on the last one.",
    )


class ImportProgress(Shape):
    percent = serializers.FloatField()
    lines_read = serializers.IntegerField()
    bytes_read = serializers.IntegerField()
    bytes_total = serializers.IntegerField()


class ImportCounts(Shape):
    items = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    canceled = serializers.IntegerField()
    expired = serializers.IntegerField()
    unanswered = serializers.IntegerField(help_text="Of an input file.")
    buckets = serializers.IntegerField(help_text="Rows of a usage export.")
    duplicates = serializers.IntegerField(
        help_text="Counted before, here or elsewhere."
    )
    outside_window = serializers.IntegerField()
    undated = serializers.IntegerField()
    without_usage = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="The price book has no price.")
    in_force = serializers.IntegerField(help_text="Priced by the price of their time.")
    earliest_known = serializers.IntegerField(
        help_text="Priced by the earliest price that the book has, which is later."
    )
    assumed_batch = serializers.IntegerField(
        help_text="The export does not say; the batch price is the lower one."
    )


class LineProblem(Shape):
    line = serializers.IntegerField()
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ImportReply(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    provider = serializers.ChoiceField(["openai", "anthropic"])
    kind = serializers.CharField()
    state = serializers.ChoiceField([str(state) for state in ImportState])
    file_id = serializers.CharField()
    sha256 = serializers.CharField()
    window = serializers.DictField(child=serializers.DateField(), allow_null=True)
    progress = ImportProgress()
    counts = ImportCounts()
    cost = Money(help_text="At the provider's list price of the time.")
    unpriced_models = serializers.ListField(child=serializers.DictField())
    line_errors = LineProblem(many=True, help_text="The first 100.")
    error_count = serializers.IntegerField()
    failure = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class ImportListReply(ListReply):
    data = ImportReply(many=True)  # type: ignore[assignment] # narrower than the list's


class BaselineDay(Shape):
    day = serializers.DateField()
    items = serializers.IntegerField()
    cost = serializers.CharField()


class OptimizedDay(BaselineDay):
    batches = serializers.IntegerField()
    work_units = serializers.IntegerField()
    moved = serializers.IntegerField(help_text="Units that left their first lane.")


class SavingsRealized(Shape):
    amount = serializers.CharField(help_text="Negative where the baseline is cheaper.")
    percent = serializers.FloatField()
    method = serializers.CharField(help_text="In words, with what is left out.")
    compared = serializers.DictField(help_text="items, at_baseline, charged")
    left_out = serializers.DictField(help_text="items, charged")
    by_day = serializers.ListField(
        child=serializers.DictField(), help_text="day, at_baseline, charged"
    )


class WorkloadCost(Shape):
    workload_key = serializers.CharField()
    items = serializers.IntegerField()
    charged = serializers.CharField()
    compared = serializers.DictField(
        allow_null=True, help_text="at_baseline, charged: of what imports compare with"
    )


class QualityDrift(Shape):
    provider = serializers.CharField()
    weeks = serializers.ListField(
        child=serializers.DictField(), help_text="week (a Monday), score, answers"
    )
    change = serializers.FloatField(
        allow_null=True, help_text="The last week's score less that of those before."
    )
    significance = serializers.DictField(help_text="p_value, is_significant")


class ModelQuality(Shape):
    provider = serializers.CharField()
    model = serializers.CharField()
    score = serializers.FloatField(help_text="Share of good answers in eight weeks.")
    answers = serializers.IntegerField()
    interval = serializers.DictField(help_text="low, high, confidence, method")


class FallbackFrequency(Shape):
    work_units = serializers.IntegerField()
    moved = serializers.IntegerField(help_text="Those that left their first lane.")
    rate = serializers.FloatField(allow_null=True)


class VerificationFailures(Shape):
    count = serializers.IntegerField(help_text="Of answers, every try counted.")
    rate = serializers.FloatField(allow_null=True)
    by_check = serializers.ListField(
        child=serializers.DictField(), help_text="check, count, checked, rate"
    )


class RouteChange(Shape):
    change = serializers.DictField(
        help_text="workload_key, policy, manifest_fields, sentence"
    )
    expected_saving = serializers.DictField(
        help_text="percent and amount, each with _low and _high"
    )
    confidence = serializers.DictField(help_text="level, chance_of_saving, method")
    evidence = serializers.ListField(
        child=serializers.DictField(),
        help_text="By kind: backtest, lane_quality, finish_seconds, and one "
        "considered for each change that was looked at, with its verdict.",
    )


class OptimizationReport(Shape):
    import_provider = serializers.ChoiceField(["openai", "anthropic"])
    window = serializers.DictField(child=serializers.DateTimeField())
    baseline = serializers.DictField(
        allow_null=True, help_text="jobs, items, cost, from, to, overlap"
    )
    baseline_reason = serializers.CharField(allow_null=True)
    baseline_cost_trend = BaselineDay(many=True)
    optimized_cost_trend = OptimizedDay(many=True)
    savings_realized = SavingsRealized(allow_null=True)
    savings_reason = serializers.CharField(allow_null=True)
    cost_by_workload = WorkloadCost(
        many=True, help_text="The 50 kinds of work that were charged most."
    )
    provider_quality_drift = QualityDrift(many=True)
    quality_by_model = ModelQuality(many=True)
    fallback_frequency = FallbackFrequency()
    verification_failures = VerificationFailures()
    recommended_next_route_change = RouteChange(allow_null=True)
    recommendation_reason = serializers.CharField(allow_null=True)


class ItemVerdictBody(Shape):
    customer_item_id = serializers.CharField(max_length=128)
    verdict = serializers.ChoiceField(["accepted", "corrected", "rejected"])
    correction = serializers.JSONField(
        required=False,
        help_text="With corrected: what the answer should have been, text or JSON, at "
        "most 16,384 bytes.",
    )
    reason = serializers.CharField(required=False, max_length=1000)


class FeedbackBody(Shape):
    rating = serializers.IntegerField(required=False, min_value=1, max_value=5)
    accepted = serializers.BooleanField(required=False)
    items = ItemVerdictBody(
        many=True,
        required=False,
        help_text="At most 5,000, each row once. A verdict takes the place of an "
        "earlier one on the same row.",
    )
    comment = serializers.CharField(required=False, max_length=4000)


class VerdictCounts(Shape):
    accepted = serializers.IntegerField()
    corrected = serializers.IntegerField()
    rejected = serializers.IntegerField()


class QualityInterval(Shape):
    low = serializers.FloatField()
    high = serializers.FloatField()
    confidence = serializers.FloatField()
    method = serializers.CharField()


class QualityTrend(Shape):
    direction = serializers.ChoiceField(["rising", "falling", "steady", "unknown"])
    change = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    recent_days = serializers.IntegerField()


class QualitySignal(Shape):
    score = serializers.FloatField(
        allow_null=True,
        help_text="Share of good answers among those judged; a corrected one is half.",
    )
    sample_size = serializers.IntegerField()
    interval = QualityInterval(allow_null=True)
    trend = QualityTrend()


class CustomerQualitySignal(QualitySignal):
    scope = serializers.CharField()
    workload_keys = serializers.ListField(child=serializers.CharField())
    this_batch = VerdictCounts(help_text="The verdicts that stand on its rows.")


class ScoreChange(Shape):
    quoted = serializers.FloatField(allow_null=True)
    now = serializers.FloatField(allow_null=True)


class SinceQuote(Shape):
    quality_score = ScoreChange()
    trust_score = ScoreChange()
    reasons = serializers.ListField(child=serializers.CharField())


class ProviderAttribution(QualitySignal):
    provider = serializers.CharField()
    model = serializers.CharField()
    mode = serializers.ChoiceField(["batch", "direct"])
    operation = serializers.CharField()
    workload_key = serializers.CharField()
    items = serializers.IntegerField(help_text="Rows of the batch that it delivered.")
    verdicts = VerdictCounts(help_text="On rows of this batch.")
    since_quote = SinceQuote()


class Feedback(Shape):
    id = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True)
    accepted = serializers.BooleanField(allow_null=True)
    comment = serializers.CharField(allow_null=True)
    verdicts = VerdictCounts()
    created_at = serializers.DateTimeField()


class QualityReply(Shape):
    object = serializers.CharField()
    batch_id = serializers.CharField()
    customer_quality_signal = CustomerQualitySignal()
    provider_attribution = ProviderAttribution(many=True)
    feedback = Feedback(many=True, help_text="The latest 50, newest first.")


class FeedbackReply(QualityReply):
    id = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True)
    accepted = serializers.BooleanField(allow_null=True)
    comment = serializers.CharField(allow_null=True)
    verdicts = VerdictCounts()
    created_at = serializers.DateTimeField()


class ReportReply(Shape):
    optimization_report = OptimizationReport()
