"""Addresses of accounts, relative to ``/v1/``."""

from django.urls import path

from accounts.api import (
    account,
    invitations,
    keys,
    leaked_keys,
    login,
    members,
    passwords,
    registration,
    sessions,
)

urlpatterns = [
    path("auth/register", registration.Register.as_view()),
    path("auth/agent-register", registration.AgentRegister.as_view()),
    path("auth/verify-email/confirm", registration.ConfirmEmail.as_view()),
    path("auth/verify-email/resend", registration.ResendConfirmation.as_view()),
    path("auth/login", login.Login.as_view()),
    path("auth/logout", login.Logout.as_view()),
    path("auth/session", login.Session.as_view()),
    path("auth/password/reset", passwords.PasswordReset.as_view()),
    path("auth/password/reset/confirm", passwords.PasswordResetConfirm.as_view()),
    path("auth/account", account.Account.as_view()),
    path("auth/account/password", passwords.PasswordChange.as_view()),
    path("auth/account/email", account.AddressChange.as_view()),
    path("auth/account/email/confirm", account.AddressConfirm.as_view()),
    path("auth/account/sessions", sessions.SessionList.as_view()),
    path("auth/account/sessions/<str:session_id>", sessions.SessionDetail.as_view()),
    path("auth/account/api-keys", keys.KeyList.as_view()),
    path("auth/account/api-keys/<str:key_id>", keys.KeyDetail.as_view()),
    path("auth/account/api-keys/<str:key_id>/rotate", keys.KeyRotation.as_view()),
    path("auth/account/members", members.MemberList.as_view()),
    path("auth/account/members/<str:user_id>", members.MemberDetail.as_view()),
    path("auth/account/invitations", invitations.InvitationList.as_view()),
    path("auth/account/invitations/accept", invitations.InvitationAccept.as_view()),
    path(
        "auth/account/invitations/<str:invitation_id>",
        invitations.InvitationDetail.as_view(),
    ),
    path(
        "auth/account/invitations/<str:invitation_id>/resend",
        invitations.InvitationResend.as_view(),
    ),
    path("auth/secret-scanning/github", leaked_keys.LeakedKeys.as_view()),
]
