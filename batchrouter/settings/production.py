"""What differs in production: no default for a secret, and HTTPS everywhere."""

from csp.constants import SELF
from django.core.exceptions import ImproperlyConfigured

from batchrouter import env, logs
from batchrouter.settings.base import *

APP_ENV = "production"
DEBUG = False
SECRET_KEY = env.required("SECRET_KEY", "50 random characters, kept for good")
RECEIPT_SIGNING_SEED_B64 = env.required(
    "RECEIPT_SIGNING_SEED_B64", "32 random bytes, base64; receipts are signed with it"
)
# These three were read by the base settings; here they may not be left out.
env.required("DATABASE_URL", "postgresql://…")
env.required("REDIS_URL", "redis://… for the broker and the cache")
env.required("ALLOWED_HOSTS", "the names the server answers to, comma-separated")
PUBLIC_BASE_URL = env.required("PUBLIC_BASE_URL", "https://… as customers reach it")

# Only Stripe itself: the stand-in takes test cards for real credits.
STRIPE_API_BASE = ""
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] = [
    SELF,
    "https://checkout.stripe.com",
]
if STRIPE_SECRET_KEY and not STRIPE_WEBHOOK_SECRETS:
    env.required("STRIPE_WEBHOOK_SECRETS", "whsec_…; without it nothing is credited")
if STRIPE_SECRET_KEY and ("_live_" in STRIPE_SECRET_KEY) != STRIPE_LIVE_MODE:
    raise ImproperlyConfigured("STRIPE_LIVE_MODE does not match STRIPE_SECRET_KEY")

# Mail is never left in a folder here: without a key there is none.
MAIL_DIR = None
EMAIL_BACKEND = "batchrouter.mail.backends.ResendBackend"

SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = False
logs.configure(level=LOG_LEVEL, json_lines=True)
