"""Packaged jobs, and the mark by which processes notice that the catalog changed."""

from django.db import models

from batchrouter.kit import clock


class WorkflowProduct(models.Model):
    """A packaged job; the highest enabled version of a slug is the current one."""

    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=400)
    # A manifest that can be quoted as it stands.
    preset_manifest = models.JSONField()
    default_route_products = models.JSONField()
    artifact_contract = models.JSONField()
    webhook_contract = models.JSONField()
    success_sla = models.JSONField()
    workflow_fee_bps = models.PositiveIntegerField(default=1180)
    verification = models.JSONField()
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slug", "version"], name="workflow_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug}@v{self.version}"


class CatalogRevision(models.Model):
    """One row that triggers give a new random value at every change of the catalog.

    Random and not counted, so that a value that was rolled back never comes again
    with other content.
    """

    value = models.UUIDField()

    def __str__(self) -> str:
        return f"catalog revision {self.value}"
