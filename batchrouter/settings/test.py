"""What differs in tests: short times and cheap password hashes."""

from batchrouter import env, logs
from batchrouter.settings.base import *

APP_ENV = "test"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
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
