"""The tables of people, organizations, keys and sessions."""

from accounts.models.audit import OperatorAction
from accounts.models.keys import ApiKey, Scope, SpendLimit, new_key_id
from accounts.models.people import (
    Membership,
    Org,
    Role,
    User,
    UserManager,
    new_org_id,
    new_user_id,
)
from accounts.models.sessions import SessionToken
from accounts.models.sign_up import EmailChange, Invitation, SignUp

__all__ = [
    "ApiKey",
    "EmailChange",
    "Invitation",
    "Membership",
    "OperatorAction",
    "Org",
    "Role",
    "Scope",
    "SessionToken",
    "SignUp",
    "SpendLimit",
    "User",
    "UserManager",
    "new_key_id",
    "new_org_id",
    "new_user_id",
]
