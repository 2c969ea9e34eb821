"""Addresses of accounts: who somebody is, and who else may act for an organization.

Mails and allauth point at the names and addresses here.
"""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import TemplateView

from console.views import (
    account,
    keys,
    login,
    members,
    passwords,
    second_factor,
    sessions,
    sign_up,
    webhooks,
)

urlpatterns = [
    path("login", login.login, name="account_login"),
    path("login/code", login.second_step, name="mfa_authenticate"),
    path("logout", LogoutView.as_view(next_page="home"), name="account_logout"),
    path("signup", sign_up.sign_up, name="account_signup"),
    path("signup/sent", sign_up.sent, name="sign-up-sent"),
    path("signup/resend", sign_up.resend, name="sign-up-resend"),
    path("signup/confirm", sign_up.confirm, name="signup-confirm"),
    path("password/reset", passwords.ask, name="account_reset_password"),
    path("password/reset/sent", passwords.sent, name="password-reset-sent"),
    path("password/reset/confirm", passwords.confirm, name="password-reset-confirm"),
    path("account", account.overview, name="account"),
    path("account/name", account.rename, name="account-rename"),
    path("account/retention", account.retention, name="account-retention"),
    path("account/org", account.switch_org, name="account-org"),
    path("account/email", account.email, name="account_email"),
    path("account/email/confirm", account.email_confirm, name="email-confirm"),
    path("account/password", account.password, name="account_change_password"),
    path("account/password/set", account.password, name="account_set_password"),
    path(
        "account/inactive",
        TemplateView.as_view(template_name="account/account_inactive.html"),
        name="account_inactive",
    ),
    path("account/keys", keys.key_list, name="account-keys"),
    path("account/keys/<str:key_id>/rotate", keys.rotate, name="key-rotate"),
    path("account/keys/<str:key_id>/revoke", keys.revoke, name="key-revoke"),
    path("account/members", members.member_list, name="account-members"),
    path("account/members/<str:user_id>/role", members.role, name="member-role"),
    path("account/members/<str:user_id>/remove", members.remove, name="member-remove"),
    path("account/invitations", members.send_invitation, name="invitation-send"),
    path(
        "account/invitations/<str:invitation_id>/resend",
        members.resend,
        name="invitation-resend",
    ),
    path(
        "account/invitations/<str:invitation_id>/revoke",
        members.revoke,
        name="invitation-revoke",
    ),
    path("invitations/accept", members.accept, name="invitation-accept"),
    path("account/sessions", sessions.session_list, name="account-sessions"),
    path(
        "account/sessions/end-others", sessions.end_others, name="sessions-end-others"
    ),
    path("account/sessions/<str:session_id>/end", sessions.end, name="session-end"),
    path("account/webhooks", webhooks.overview, name="account-webhooks"),
    path("account/webhooks/rotate", webhooks.rotate, name="webhook-rotate"),
    path("account/webhooks/remove", webhooks.remove, name="webhook-remove"),
    path("account/webhooks/test", webhooks.test, name="webhook-test"),
    path(
        "account/webhooks/deliveries/<str:delivery_id>",
        webhooks.delivery,
        name="webhook-delivery",
    ),
    path(
        "account/webhooks/deliveries/<str:delivery_id>/live",
        webhooks.delivery_live,
        name="webhook-delivery-live",
    ),
    path(
        "account/webhooks/deliveries/<str:delivery_id>/replay",
        webhooks.replay,
        name="webhook-replay",
    ),
    path("account/two-factor", second_factor.index, name="mfa_index"),
    path(
        "account/two-factor/activate", second_factor.activate, name="mfa_activate_totp"
    ),
    path(
        "account/two-factor/deactivate",
        second_factor.deactivate,
        name="mfa_deactivate_totp",
    ),
    path(
        "account/two-factor/recovery-codes",
        second_factor.recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/two-factor/recovery-codes/generate",
        second_factor.generate_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/two-factor/recovery-codes/download",
        second_factor.download_codes,
        name="mfa_download_recovery_codes",
    ),
    path("account/reauthenticate", login.password_again, name="account_reauthenticate"),
    path("account/reauthenticate/code", login.code_again, name="mfa_reauthenticate"),
]
