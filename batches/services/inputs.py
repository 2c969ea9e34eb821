"""Hold a manifest's bytes while something is made that will read them."""

from batches.content import ContentDeleted
from batches.models import Manifest, StoredFile


def hold_input(manifest: Manifest) -> None:
    """Lock the file of a manifest until the transaction ends, and see that it is there.

    Whoever deletes a file locks it too, so that either it is seen to be deleted here,
    or what is made here is seen there.

    Raises:
        ContentDeleted.
    """
    file = StoredFile.objects.select_for_update(no_key=True).get(pk=manifest.file_id)
    gone = Manifest.objects.filter(pk=manifest.pk, purged_at__isnull=False).exists()
    if file.deleted_at is not None or gone:
        raise ContentDeleted("The input file was deleted; send the items again.")
