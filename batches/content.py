"""What may still be read of a batch or a file whose content was deleted: nothing."""

from batches.models import Batch
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError


class ContentDeleted(BatchRouterError):
    """Inputs and outputs are gone; facts, receipts and the deletion note stay."""

    code = "content_deleted"
    status = 410
    error_type = "invalid_request_error"


def check_content(batch: Batch) -> None:
    """Refuse to read what is not there any more.

    Raises:
        ContentDeleted.
    """
    if batch.content_deleted_at is not None:
        raise ContentDeleted(
            "The content of this batch was deleted; its counts, receipts and the "
            "deletion note are kept.",
            details={"deleted_at": clock.iso(batch.content_deleted_at)},
        )
