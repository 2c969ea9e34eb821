"""The second factor: allauth's views on our pages, never kept by a cache."""

from allauth.mfa.base.views import IndexView
from allauth.mfa.recovery_codes.views import (
    DownloadRecoveryCodesView,
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.views.decorators.cache import never_cache

from console.forms import SetUpCodeForm

index = never_cache(IndexView.as_view())
activate = never_cache(ActivateTOTPView.as_view(form_class=SetUpCodeForm))
deactivate = never_cache(DeactivateTOTPView.as_view())
recovery_codes = never_cache(ViewRecoveryCodesView.as_view())
generate_codes = never_cache(GenerateRecoveryCodesView.as_view())
download_codes = never_cache(DownloadRecoveryCodesView.as_view())
