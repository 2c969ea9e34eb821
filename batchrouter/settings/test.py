"""What differs in tests: short times and cheap password hashes."""

from batchrouter.settings.base import *

APP_ENV = "test"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING")
logs.configure(level=LOG_LEVEL, json_lines=False)
