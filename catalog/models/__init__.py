"""What can be bought, from whom, at which dated price, and what was bought."""

from catalog.models.offerings import Mode, ModelProfile, Offering, OfferingPrice
from catalog.models.providers import PrivacyTier, Provider, Region
from catalog.models.settled import DemandKind, LatencyHour, ProviderHour, SettledDemand
from catalog.models.workflows import CatalogRevision, WorkflowProduct

__all__ = [
    "CatalogRevision",
    "DemandKind",
    "LatencyHour",
    "Mode",
    "ModelProfile",
    "Offering",
    "OfferingPrice",
    "PrivacyTier",
    "Provider",
    "ProviderHour",
    "Region",
    "SettledDemand",
    "WorkflowProduct",
]
