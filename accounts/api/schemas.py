"""The shapes of requests and replies, for the OpenAPI document only."""

from rest_framework import serializers

from accounts.models import Role, Scope
from batchrouter.web.schemas import ListReply, Money, Shape


class RegisterBody(Shape):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(min_length=10, max_length=1024)
    org_name = serializers.CharField(max_length=120, required=False)


class AgentRegisterBody(Shape):
    agent_name = serializers.CharField(max_length=80)
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(min_length=10, max_length=1024)


class EmailBody(Shape):
    email = serializers.EmailField(max_length=254)


class TokenBody(Shape):
    token = serializers.CharField(help_text="obt_…, from the mail")


class NewPasswordBody(TokenBody):
    password = serializers.CharField(min_length=10, max_length=1024)


class ChangePasswordBody(Shape):
    current_password = serializers.CharField()
    new_password = serializers.CharField(min_length=10, max_length=1024)


class LoginBody(Shape):
    email = serializers.EmailField()
    password = serializers.CharField()
    code = serializers.CharField(
        required=False, help_text="of the second factor, where the account has one"
    )
    issue_token = serializers.BooleanField(required=False, default=False)
    org_id = serializers.CharField(
        required=False, help_text="which of your organizations to act for"
    )


class SwitchBody(Shape):
    org_id = serializers.CharField(help_text="org_…")


class RenameBody(Shape):
    name = serializers.CharField(max_length=120, required=False)
    retention_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=365,
        help_text="Days that inputs and results are kept after a batch has ended; "
        "null is the server's own. A manifest's retention_days goes before it.",
    )


class AskedReply(Shape):
    status = serializers.CharField()


class DoneReply(Shape):
    status = serializers.ChoiceField(["password_set"])


class User(Shape):
    id = serializers.CharField(help_text="usr_…")
    object = serializers.CharField()
    email = serializers.EmailField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()


class Org(Shape):
    id = serializers.CharField(help_text="org_…")
    object = serializers.CharField()
    name = serializers.CharField()
    created_by = serializers.ChoiceField(["person", "agent"])
    agent_name = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class UserReply(Shape):
    user = User()


class ConfirmedReply(Shape):
    user = User()
    org = Org()


class CallingKey(Shape):
    id = serializers.CharField(help_text="key_…")
    name = serializers.CharField()
    prefix = serializers.CharField()
    mode = serializers.ChoiceField(["live", "test"])
    expires_at = serializers.DateTimeField(allow_null=True)


class SessionBody(Shape):
    actor_type = serializers.ChoiceField(["user", "agent", "api_key"])
    auth_method = serializers.ChoiceField(["session", "session_token", "api_key"])
    user = User(allow_null=True)
    org = Org()
    role = serializers.ChoiceField(Role.values, allow_null=True)
    api_key = CallingKey(allow_null=True)
    capabilities = serializers.ListField(child=serializers.ChoiceField(Scope.values))


class SessionReply(Shape):
    session = SessionBody(allow_null=True)


class LoginReply(Shape):
    session = SessionBody(required=False)
    csrf_token = serializers.CharField(
        required=False, help_text="send it as X-CSRFToken with unsafe calls by cookie"
    )
    session_token = serializers.CharField(
        required=False, help_text="obs_…, with issue_token only; shown this once"
    )
    session_id = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(required=False)


class Balance(Shape):
    available = Money()
    reserved = Money()
    total = Money()


class Plan(Shape):
    name = serializers.CharField()
    currency = serializers.CharField()


class Retention(Shape):
    days = serializers.IntegerField()
    is_default = serializers.BooleanField()


class AccountReply(Shape):
    object = serializers.CharField()
    org = Org()
    plan = Plan()
    retention = Retention()
    credit_balance = Balance()


class LoginRow(Shape):
    id = serializers.CharField(help_text="sess_…")
    object = serializers.CharField()
    kind = serializers.ChoiceField(["cookie", "token"])
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    is_current = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class SessionListReply(ListReply):
    data = LoginRow(many=True)  # type: ignore[assignment] # narrower than the list's


class EndedReply(Shape):
    ended = serializers.IntegerField()
