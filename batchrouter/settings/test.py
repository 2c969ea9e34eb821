"""What differs in tests: short times and cheap password hashes."""

from batchrouter import env, logs
from batchrouter.settings.base import *

APP_ENV = "test"
# Whatever the shell exports: tests name their own addresses.
PUBLIC_BASE_URL = "http://127.0.0.1:8000"
SANDBOX_PROVIDERS_URL = ""
STRIPE_SECRET_KEY = ""
STRIPE_API_BASE = ""
STRIPE_WEBHOOK_SECRETS = []
STRIPE_LIVE_MODE = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAIL_DIR = VAR_DIR / "test-mail"
# Tests that are about limits set their own.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MAIL_PER_ADDRESS_HOURLY = 1000
MAIL_PER_CLIENT_HOURLY = 100_000
# Tests need no collected static files.
WHITENOISE_AUTOREFRESH = True
# Messages of tests are not for the workers of a server beside them.
BROKER_DIR = VAR_DIR / "test-broker"
if not REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS.update(
        data_folder_in=str(BROKER_DIR),
        data_folder_out=str(BROKER_DIR),
        control_folder=str(BROKER_DIR / "control"),
    )
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING")
logs.configure(level=LOG_LEVEL, json_lines=False)
