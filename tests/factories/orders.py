"""Quotes as mere rows, for tests that need a row with a state and nothing else."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from datetime import timedelta

from factory.declarations import LazyAttribute, SelfAttribute, SubFactory
from factory.django import DjangoModelFactory

from batches.models import Manifest, Quote, StoredFile
from batches.models.file import FilePurpose
from batches.states import QuoteState
from batchrouter.kit.hashing import sha256_hex
from batchrouter.kit.money import NANO_PER_USD
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON


class StoredFileFactory(DjangoModelFactory[StoredFile]):
    """A manifest's file whose bytes are not in the store."""

    class Meta:
        model = StoredFile

    org = SubFactory(OrgFactory)
    purpose = FilePurpose.MANIFEST
    filename = "manifest.ndjson"
    sha256 = sha256_hex(b"")
    size_bytes = 0
    storage_key = LazyAttribute(lambda row: f"blobs/{row.sha256[:2]}/{row.sha256}")


class ManifestFactory(DjangoModelFactory[Manifest]):
    """A checked manifest of one item."""

    class Meta:
        model = Manifest

    file = SubFactory(StoredFileFactory)
    item_count = 1


class QuoteFactory(DjangoModelFactory[Quote]):
    """An active quote over one dollar and a fee of five percent."""

    class Meta:
        model = Quote

    org = SubFactory(OrgFactory)
    manifest = SubFactory(ManifestFactory, file__org=SelfAttribute("...org"))
    state = QuoteState.ACTIVE
    state_at = NOON
    fingerprint = sha256_hex(b"")
    spec: dict[str, object] = {}
    decisions: dict[str, object] = {}
    reply: dict[str, object] = {}
    route_version_id = "rv_00000000000000000000000001"
    fee_bps = 500
    item_count = 1
    provider_subtotal_nanousd = NANO_PER_USD
    fee_nanousd = NANO_PER_USD // 20
    total_nanousd = NANO_PER_USD + NANO_PER_USD // 20
    expected_total_nanousd = NANO_PER_USD
    deadline_at = NOON + timedelta(days=1)
    valid_until = NOON + timedelta(minutes=10)
