"""The store of this installation."""

from functools import cache

from django.conf import settings

from batches.blobs import claim_blob
from batchrouter.kit.storage import Store


@cache
def store() -> Store:
    """Return the store under ``ARTIFACTS_DIR``."""
    return Store(settings.ARTIFACTS_DIR, claim=claim_blob)
