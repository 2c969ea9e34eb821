"""The main job's addresses, below /v1/."""

from django.urls import path

from batches.api import (
    batches,
    files,
    imports,
    quality,
    quotes,
    reports,
    results,
    webhooks,
)

urlpatterns = [
    path("batches/quote", quotes.QuoteCreate.as_view()),
    path("quotes/<str:quote_id>", quotes.QuoteDetail.as_view()),
    path("quotes/<str:quote_id>/sample", quotes.QuoteSample.as_view()),
    path("batches/input-manifests", files.ManifestUpload.as_view()),
    path("batches/optimization-report", reports.OptimizationReport.as_view()),
    path("batches", batches.BatchList.as_view()),
    path("batches/<str:batch_id>", batches.BatchDetail.as_view()),
    path("batches/<str:batch_id>/cancel", batches.BatchCancel.as_view()),
    path("batches/<str:batch_id>/retry", batches.BatchRetry.as_view()),
    path("batches/<str:batch_id>/deletion-note", batches.DeletionNote.as_view()),
    path("batches/<str:batch_id>/events", batches.BatchEvents.as_view()),
    path("batches/<str:batch_id>/results", results.BatchResults.as_view()),
    path(
        "batches/<str:batch_id>/quality-feedback", quality.QualityFeedbackView.as_view()
    ),
    path("batches/<str:batch_id>/route-receipt", batches.RouteReceipt.as_view()),
    path("batches/<str:batch_id>/billing-receipt", batches.BillingReceipt.as_view()),
    path("imports", imports.ImportList.as_view()),
    path("imports/<str:import_id>", imports.ImportDetail.as_view()),
    path("batches/<str:batch_id>/delivery-attempts", webhooks.BatchAttempts.as_view()),
    path("webhook-deliveries", webhooks.DeliveryList.as_view()),
    path("webhook-deliveries/<str:delivery_id>", webhooks.DeliveryDetail.as_view()),
    path(
        "webhook-deliveries/<str:delivery_id>/replay",
        webhooks.DeliveryReplay.as_view(),
    ),
    path("auth/account/delivery-webhook", webhooks.DefaultWebhook.as_view()),
    path("auth/account/delivery-webhook/test", webhooks.DefaultWebhookTest.as_view()),
    path(
        "auth/account/delivery-webhook/rotate-secret",
        webhooks.DefaultWebhookRotation.as_view(),
    ),
    path("files", files.FileList.as_view()),
    path("files/<str:file_id>", files.FileDetail.as_view()),
    path("files/<str:file_id>/content", files.FileContent.as_view()),
    path(
        "files/<str:file_id>/download",
        files.FileDownload.as_view(),
        name="file-download",
    ),
]
