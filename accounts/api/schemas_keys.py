"""The shapes of keys, members and invitations, for the OpenAPI document only."""

from rest_framework import serializers

from accounts.api.schemas import Org, User
from accounts.models import Role, Scope
from batchrouter.web.schemas import ListReply, Money, Shape


class KeyBody(Shape):
    name = serializers.CharField(
        max_length=80, required=False, help_text="what the key is for"
    )
    label = serializers.CharField(  # type: ignore[assignment] # a field
        max_length=80, required=False, help_text="another word for name"
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.values),
        required=False,
        help_text="all but admin where left out",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    spend_limit = serializers.CharField(
        required=False,
        allow_null=True,
        help_text='dollars as text, such as "25.00", or a money object; what the key '
        "and those that replace it may spend in all their life",
    )
    mode = serializers.ChoiceField(["live", "test"], required=False)


class RotateBody(Shape):
    overlap_seconds = serializers.IntegerField(
        required=False, min_value=0, max_value=604800, default=86400
    )


class Key(Shape):
    id = serializers.CharField(help_text="key_…")
    object = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="the secret's first 12 characters")
    mode = serializers.ChoiceField(["live", "test"])
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.values))
    state = serializers.ChoiceField(["active", "expired", "revoked"])
    spend_limit = Money(allow_null=True)
    spent = Money(allow_null=True, help_text="null without a limit")
    replaces = serializers.CharField(allow_null=True)
    created_by = serializers.CharField(allow_null=True, help_text="usr_…")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewKey(Key):
    api_key = serializers.CharField(
        allow_null=True,
        help_text="the secret, shown this once; null where a reply is repeated for "
        "its Idempotency-Key",
    )
    api_key_id = serializers.CharField()


class KeyListReply(ListReply):
    data = Key(many=True)  # type: ignore[assignment] # narrower than the list's


class Member(Shape):
    object = serializers.CharField()
    user_id = serializers.CharField(help_text="usr_…")
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.values)
    created_at = serializers.DateTimeField()


class MemberListReply(ListReply):
    data = Member(many=True)  # type: ignore[assignment] # narrower than the list's


class RoleBody(Shape):
    role = serializers.ChoiceField(Role.values)


class InvitationBody(RoleBody):
    email = serializers.EmailField(max_length=254)


class Invitation(Shape):
    id = serializers.CharField(help_text="inv_…")
    object = serializers.CharField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.values)
    state = serializers.ChoiceField(["open", "expired"])
    invited_by = serializers.CharField(allow_null=True, help_text="usr_…")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationListReply(ListReply):
    data = Invitation(many=True)  # type: ignore[assignment] # narrower than the list's


class AcceptBody(Shape):
    token = serializers.CharField(help_text="obt_…, from the mail")
    password = serializers.CharField(
        required=False, max_length=1024, help_text="where the address has no account"
    )
    name = serializers.CharField(required=False, max_length=120)


class AcceptReply(Shape):
    user = User()
    org = Org()
    role = serializers.ChoiceField(Role.values)


class FoundToken(Shape):
    token = serializers.CharField()
    type = serializers.CharField(required=False)
    url = serializers.CharField(required=False)
    source = serializers.CharField(  # type: ignore[assignment] # a field
        required=False
    )


class TokenVerdict(Shape):
    token_hash = serializers.CharField(help_text="SHA-256 of the token, hexadecimal")
    token_type = serializers.CharField()
    label = serializers.ChoiceField(  # type: ignore[assignment] # a field
        ["true_positive", "false_positive"]
    )
