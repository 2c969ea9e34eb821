"""What differs in tests: short times and cheap password hashes."""

from batchrouter import env, logs
from batchrouter.settings.base import *

APP_ENV = "test"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests need no collected static files.
WHITENOISE_AUTOREFRESH = True
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING")
logs.configure(level=LOG_LEVEL, json_lines=False)
