"""Logging in and proving it again: allauth's steps on our pages."""

from typing import Any

from allauth.account.views import LoginView
from allauth.account.views import ReauthenticateView as PasswordAgainView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from django.http import HttpResponse
from django.views.decorators.cache import never_cache

from console.forms import (
    CodeForm,
    CodeReauthenticateForm,
    EmailForm,
    LoginForm,
    ReauthenticateForm,
)


class PasswordStep(LoginView):  # type: ignore[misc] # allauth has no types
    """GET and POST /login; ``next`` is followed within this site only."""

    form_class = LoginForm
    template_name = "account/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where to go on to, and how to get the confirmation again."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        form = context["form"]
        context["next_url"] = self.get_next_url() or ""
        if form.is_bound and form.waits:
            context["again"] = EmailForm(initial={"email": form.data.get("login", "")})
        return context

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """Show the form again; 429 after too many attempts."""
        context = self.get_context_data(form=form)
        reply: HttpResponse = self.render_to_response(context, status=form.status)
        return reply


login = PasswordStep.as_view()
second_step = never_cache(AuthenticateView.as_view(form_class=CodeForm))
password_again = never_cache(PasswordAgainView.as_view(form_class=ReauthenticateForm))
code_again = never_cache(CodeAgainView.as_view(form_class=CodeReauthenticateForm))
