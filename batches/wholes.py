"""What was found in a file of items when it was read, and not in a part of it."""

from django.db.models import Prefetch, QuerySet

from batches.models import Manifest, StoredFile


def with_wholes(files: QuerySet[StoredFile]) -> QuerySet[StoredFile]:
    """Read what was found in files of items along with them."""
    return files.prefetch_related(
        Prefetch(
            "manifests",
            queryset=Manifest.objects.filter(part_of=None),
            to_attr="wholes",
        )
    )


def whole_of(file: StoredFile) -> Manifest:
    """Return what was found in a file of items when it was read."""
    known: list[Manifest] | None = getattr(file, "wholes", None)
    if known is not None:
        return known[0]
    return Manifest.objects.get(file=file, part_of=None)
