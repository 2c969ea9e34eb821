"""What an address names, of the visitor's organization; all else is not there."""

from django.http import Http404

from accounts.models import Org
from batches.models import Batch
from batches.selectors import batch_of
from batchrouter.kit.errors import NotFound


def owned_batch(org: Org, batch_id: str) -> Batch:
    """Return an organization's batch.

    Raises:
        Http404: there is none, or it is somebody else's.
    """
    try:
        return batch_of(org, batch_id)
    except NotFound as error:
        raise Http404(error.message) from error
