"""Log in and out with an email address and a password."""

from django.contrib.auth.views import LoginView

from console.forms import LoginForm

# LoginView follows `next` only within this site.
login = LoginView.as_view(
    template_name="console/login.html",
    authentication_form=LoginForm,
    redirect_authenticated_user=True,
)
