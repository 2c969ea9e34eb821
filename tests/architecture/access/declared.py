"""What cannot be read from the views: who needs no key, who must be a person, and ids.

A new route is walked by itself. It asks for a line here only if it is public, if it is
about a person, if its address holds a new kind of id, or if its body is more than {}.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from accounts.models import Scope
from tests.architecture.access.routes import Call

_HERE = "tests/architecture/access/declared.py"

# Calls that need no credentials, each with its reason.
PUBLIC = {
    "GET /v1/catalog/models": "the price list, for everybody to compare",
    "GET /v1/catalog/models/<path:slug>": "the price list",
    "GET /v1/catalog/providers": "who does the work, for everybody to judge",
    "GET /v1/catalog/providers/<str:slug>": "who does the work",
    "GET /v1/catalog/rankings": "the price list, in other orders",
    "GET /v1/catalog/workflow-products": "what is on offer",
    "GET /v1/catalog/workflow-products/<str:slug>": "what is on offer",
    "GET /v1/route-policies": "what the words of a manifest mean",
    "GET /v1/runtime/capabilities": "what this server can do, before one signs up",
    "GET /v1/openapi.json": "the API reference",
    "GET /v1/files/<str:file_id>/download": "the signature in the link is the proof",
    "POST /v1/auth/register": "nobody has an account yet",
    "POST /v1/auth/agent-register": "nobody has an account yet",
    "POST /v1/auth/verify-email/confirm": "the token from the mail is the proof",
    "POST /v1/auth/verify-email/resend": "nobody has an account yet",
    "POST /v1/auth/login": "the password is the proof",
    "POST /v1/auth/logout": "who is nobody already is logged out as well",
    "GET /v1/auth/session": "the answer to nobody is that it is nobody",
    "POST /v1/auth/password/reset": "who has forgotten the password cannot log in",
    "POST /v1/auth/password/reset/confirm": "the token from the mail is the proof",
    "POST /v1/auth/account/email/confirm": "the token from the mail is the proof",
    "POST /v1/auth/account/invitations/accept": "the token from the mail is the proof",
    "POST /v1/billing/stripe/webhook": "Stripe's signature is the proof",
    "POST /v1/auth/secret-scanning/github": "the scanner's signature is the proof",
}

# Calls about a person: a key, which is nobody, hears ``session_required``.
PERSONS = {
    "PATCH /v1/auth/session": "for whom a person acts",
    "POST /v1/auth/account/password": "a person's password",
    "POST /v1/auth/account/email": "a person's address",
    "GET /v1/auth/account/sessions": "a person's logins",
    "DELETE /v1/auth/account/sessions": "a person's logins",
    "DELETE /v1/auth/account/sessions/<str:session_id>": "a person's login",
    "PATCH /v1/auth/account/members/<str:user_id>": "people are managed by people",
    "DELETE /v1/auth/account/members/<str:user_id>": "people are managed by people",
    "POST /v1/auth/account/invitations": "the mail names who invites",
    "DELETE /v1/auth/account/invitations/<str:invitation_id>": "as inviting",
    "POST /v1/auth/account/invitations/<str:invitation_id>/resend": "as inviting",
}

# For each name in an address, an id of the right form that names nothing.
# ``World.ids`` (world.py) holds one of each that names something.
NOTHING = {
    "batch_id": "batch_00000000000000000000000000",
    "quote_id": "qlock_00000000000000000000000000",
    "file_id": "file_00000000000000000000000000",
    "import_id": "imp_00000000000000000000000000",
    "key_id": "key_00000000000000000000000000",
    "user_id": "usr_00000000000000000000000000",
    "invitation_id": "inv_00000000000000000000000000",
    "session_id": "sess_00000000000000000000000000",
    "checkout_id": "cks_00000000000000000000000000",
    "delivery_id": "whd_00000000000000000000000000",
    "month": "2000-01",  # before anybody's first entry
    "slug": "nothing",
    "org_id": "org_00000000000000000000000000",
}

# Bodies that are read before the id in the address is looked up.
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/batches/<str:batch_id>/quality-feedback": {"accepted": True},
    "PATCH /v1/auth/account/members/<str:user_id>": {"role": "member"},
}

# Ids of others may stand in bodies and filters too: each call that takes one, the
# name it takes it by, and the id.
NAMED_IN_BODIES = [
    ("POST /v1/batches/quote", "input_file_id", "file_id"),
    ("POST /v1/batches", "input_file_id", "file_id"),
    ("POST /v1/batches", "quote_id", "quote_id"),
    ("PATCH /v1/auth/session", "org_id", "org_id"),
]

# What even its owner does not find while the batch is open.
NOT_YET_THERE = {
    "GET /v1/batches/<str:batch_id>/route-receipt",
    "GET /v1/batches/<str:batch_id>/billing-receipt",
    "GET /v1/batches/<str:batch_id>/deletion-note",
}


def is_public(call: Call) -> bool:
    return str(call) in PUBLIC


def undeclared(calls: Iterable[Call]) -> list[str]:
    """Return a sentence for each call that does not say who may use it."""
    return [problem for call in calls for problem in _problems(call)]


def _problems(call: Call) -> Iterator[str]:
    if call.scope is None and not is_public(call):
        yield (
            f"{call} declares no scope. Give its view `scope`, or `scopes` with "
            f"{call.method!r}; or, if everybody may call it, name it with a reason in "
            f"PUBLIC of {_HERE}."
        )
    if call.scope is not None and is_public(call):
        yield f"{call} declares the scope {call.scope!r} and is in PUBLIC of {_HERE}."
    if call.scope not in {None, *Scope.values}:
        yield f"{call} declares {call.scope!r}, which is no scope."
    for name in call.ids:
        if name not in NOTHING:
            yield (
                f"{call} holds an id {name!r} that the walk cannot fill in. Add one "
                f"that names nothing to NOTHING of {_HERE}, and one that names "
                f"something of the organization to World.ids beside it."
            )


def stale(calls: Iterable[Call]) -> set[str]:
    """Return what the tables name and no route has."""
    in_bodies = {call for call, _, _ in NAMED_IN_BODIES}
    named = {*PUBLIC, *PERSONS, *BODIES, *NOT_YET_THERE, *in_bodies}
    return named - {str(each) for each in calls}
