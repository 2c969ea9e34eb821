"""The account that the stand-in belongs to."""

from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid

ACCOUNT_ID = "acct_1StandinStandin"


def retrieve(_desk: Desk, _given: Json, account_id: str = ACCOUNT_ID) -> Json:
    """GET /v1/account and /v1/accounts/{id}.

    Raises:
        ApiError: 400 for another account.
    """
    if account_id != ACCOUNT_ID:
        raise invalid(f"The account {account_id} is not yours.", code="account_invalid")
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {"name": "Stand-in", "url": None},
        "business_type": "company",
        "capabilities": {
            "card_payments": "active",
            "us_bank_account_ach_payments": "active",
        },
        "charges_enabled": True,
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "stand-in@example.com",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{ACCOUNT_ID}/external_accounts",
        },
        "livemode": False,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None},
            "dashboard": {"display_name": "Stand-in", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "STAND-IN"},
        },
        "type": "standard",
    }
