"""Imports of past jobs as mere rows."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from factory.declarations import SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from batches.imports.kinds import Kind
from batches.models import Import
from batches.models.file import FilePurpose
from batches.states import ImportState
from batchrouter.kit.hashing import sha256_hex
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON
from tests.factories.orders import StoredFileFactory


class ImportFactory(DjangoModelFactory[Import]):
    """A read file of OpenAI's batch outputs, without any days."""

    class Meta:
        model = Import

    org = SubFactory(OrgFactory)
    provider = "openai"
    kind = Kind.OPENAI_BATCH_OUTPUT
    file = SubFactory(
        StoredFileFactory, org=SelfAttribute("..org"), purpose=FilePurpose.IMPORT
    )
    sha256 = Sequence(lambda number: sha256_hex(str(number).encode()))
    size_bytes = 0
    state = ImportState.COMPLETED
    state_at = NOON
    created_at = NOON
    completed_at = NOON
