"""The rows of the main job."""

from batches.models.batch import Batch, BatchEvent
from batches.models.delivery import (
    DisabledReason,
    EventType,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookSecret,
)
from batches.models.execution import Execution, LostCall
from batches.models.feedback import ItemVerdict, QualityFeedback, Verdict
from batches.models.file import BlobClaim, StoredFile
from batches.models.imported import Import, ImportedDay, ImportedKey
from batches.models.manifest import Item, ItemGroup, Manifest
from batches.models.quality import WHOLE, QualityDay, QualitySource
from batches.models.quote import Quote
from batches.models.row import GoldenOutcome, ResultRow, Segment
from batches.models.sample import SampleRun
from batches.models.settled import SettledDay, SettledWork, TriedPolicy
from batches.models.work_unit import RoutePlan, WorkUnit

__all__ = [
    "WHOLE",
    "Batch",
    "BatchEvent",
    "BlobClaim",
    "DisabledReason",
    "EventType",
    "Execution",
    "GoldenOutcome",
    "Import",
    "ImportedDay",
    "ImportedKey",
    "Item",
    "ItemGroup",
    "ItemVerdict",
    "LostCall",
    "Manifest",
    "QualityDay",
    "QualityFeedback",
    "QualitySource",
    "Quote",
    "ResultRow",
    "RoutePlan",
    "SampleRun",
    "Segment",
    "SettledDay",
    "SettledWork",
    "StoredFile",
    "TriedPolicy",
    "Verdict",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookSecret",
    "WorkUnit",
]
