"""Addresses of the pages for people."""

from django.urls import include, path, register_converter

from console.views import (
    batch_receipts,
    batches,
    billing,
    catalog,
    checkout,
    components,
    deliveries,
    docs,
    home,
    imports,
    inbox,
    new_batch,
    pricing,
    providers,
    quotes,
    rankings,
    receipts,
    reports,
    review,
    rows,
    statements,
    status,
    theme,
)


class BatchId:
    """A batch's public id; anything else is nobody's address."""

    regex = r"batch_[0-9a-z]{26}"

    def to_python(self, value: str) -> str:
        """Return the id as it stands."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id as it stands."""
        return value


class ItemNumber:
    """An item's number in its batch."""

    regex = r"0|[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return its digits."""
        return str(value)


class DeliveryId(BatchId):
    """A webhook delivery's public id."""

    regex = r"whd_[0-9a-z]{26}"


class CheckoutId(BatchId):
    """A checkout session's public id."""

    regex = r"cks_[0-9a-z]{26}"


class QuoteId(BatchId):
    """A quote's public id."""

    regex = r"qlock_[0-9a-z]{26}"


class ImportId(BatchId):
    """The public id of an import of past jobs."""

    regex = r"imp_[0-9a-z]{26}"


class MonthText(BatchId):
    """A calendar month, such as 2026-11."""

    regex = r"[0-9]{4}-[0-9]{2}"


register_converter(BatchId, "batch_id")
register_converter(ItemNumber, "item_number")
register_converter(DeliveryId, "delivery_id")
register_converter(CheckoutId, "checkout_id")
register_converter(QuoteId, "quote_id")
register_converter(ImportId, "import_id")
register_converter(MonthText, "month")

urlpatterns = [
    path("", home.home, name="home"),
    path("live", home.live, name="home-live"),
    path("", include("console.account_urls")),
    path("batches", batches.batch_list, name="batch-list"),
    path("batches/new", new_batch.new_batch, name="new-batch"),
    path("batches/new/<quote_id:quote_id>", quotes.quote_detail, name="quote"),
    path(
        "batches/new/<quote_id:quote_id>/submit",
        quotes.quote_submit,
        name="quote-submit",
    ),
    path(
        "batches/new/<quote_id:quote_id>/again", quotes.quote_again, name="quote-again"
    ),
    path(
        "batches/new/<quote_id:quote_id>/sample",
        quotes.quote_sample,
        name="quote-sample",
    ),
    path("batches/<batch_id:batch_id>", batches.batch_detail, name="batch"),
    path("batches/<batch_id:batch_id>/live", batches.batch_live, name="batch-live"),
    path(
        "batches/<batch_id:batch_id>/cancel", batches.batch_cancel, name="batch-cancel"
    ),
    path("batches/<batch_id:batch_id>/retry", batches.batch_retry, name="batch-retry"),
    path(
        "batches/<batch_id:batch_id>/delete-content",
        batches.batch_delete_content,
        name="batch-delete-content",
    ),
    path(
        "batches/<batch_id:batch_id>/receipts/<slug:kind>",
        batch_receipts.receipt_detail,
        name="batch-receipt",
    ),
    path("batches/<batch_id:batch_id>/results", rows.row_list, name="batch-results"),
    path(
        "batches/<batch_id:batch_id>/rows/<item_number:seq>",
        rows.row,
        name="batch-row",
    ),
    path("batches/<batch_id:batch_id>/review", review.queue, name="batch-review"),
    path(
        "batches/<batch_id:batch_id>/webhooks",
        deliveries.delivery_list,
        name="batch-webhooks",
    ),
    path(
        "batches/<batch_id:batch_id>/webhooks/<delivery_id:delivery_id>/replay",
        deliveries.delivery_replay,
        name="delivery-replay",
    ),
    path("reports", reports.report, name="reports"),
    path("reports/imports", imports.import_list, name="imports"),
    path("reports/imports/<import_id:import_id>", imports.import_detail, name="import"),
    path(
        "reports/imports/<import_id:import_id>/live",
        imports.import_live,
        name="import-live",
    ),
    path(
        "reports/imports/<import_id:import_id>/delete",
        imports.import_delete,
        name="import-delete",
    ),
    path("receipts/verify", receipts.verify, name="receipt-verify"),
    path("billing", billing.overview, name="billing"),
    path("billing/ledger", billing.ledger, name="billing-ledger"),
    path("billing/ledger.csv", billing.ledger_csv, name="billing-ledger-csv"),
    path("billing/reservations", billing.reservations, name="billing-reservations"),
    path("billing/profile", billing.change_profile, name="billing-settings"),
    path("billing/checkout", checkout.buy, name="checkout"),
    path(
        "billing/checkout/<checkout_id:checkout_id>",
        checkout.waiting,
        name="checkout-return",
    ),
    path(
        "billing/checkout/<checkout_id:checkout_id>/live",
        checkout.live,
        name="checkout-live",
    ),
    path("billing/statements/<month:month>", statements.printable, name="statement"),
    path(
        "billing/statements/<month:month>.csv", statements.as_csv, name="statement-csv"
    ),
    path("catalog/models", catalog.model_list, name="model-list"),
    path("catalog/models/<path:slug>", catalog.model_detail, name="model"),
    path("catalog/providers", providers.provider_list, name="provider-list"),
    path("catalog/providers/<slug:slug>", providers.provider_detail, name="provider"),
    path("workflows", catalog.workflow_list, name="workflow-list"),
    path("workflows/<slug:slug>", catalog.workflow_detail, name="workflow"),
    path("rankings", rankings.rankings, name="rankings"),
    path("pricing", pricing.pricing, name="pricing"),
    path("status", status.status, name="status"),
    path("theme", theme.choose, name="theme"),
    path("docs", docs.index, name="docs"),
    path("docs/api", docs.api_reference, name="api-reference"),
    path("docs/api/<slug:slug>", docs.api_section, name="api-section"),
    path("docs/<slug:slug>", docs.page, name="docs-page"),
    path("llms.txt", docs.llms, name="llms"),
    path("dev/components", components.gallery, name="dev-components"),
    path("dev/inbox", inbox.letter_list, name="dev-inbox"),
    path("dev/inbox/latest", inbox.latest),
    path("dev/inbox/token", inbox.latest_token),
    path("dev/inbox/<str:mail_id>", inbox.letter_detail, name="dev-inbox-mail"),
    path("dev/inbox/<str:mail_id>/html", inbox.letter_html, name="dev-inbox-html"),
]
