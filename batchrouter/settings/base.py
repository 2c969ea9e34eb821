"""Everything, safe for development. Values come from the environment (.env.example)."""

from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
import sentry_sdk
from celery.schedules import crontab
from csp.constants import NONE, SELF

from batchrouter import env, logs

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))

APP_ENV = env.text("APP_ENV", "development")
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY", "development-only-" + "not-secret-" * 4)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL", "http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "accounts.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "anymail",
    "rest_framework",
    "drf_spectacular",
    "djstripe",
    "batchrouter.web",
    "batchrouter.mail",
    "accounts",
    "catalog",
    "routing",
    "billing",
    "batches",
    "console",
]

MIDDLEWARE = [
    "batchrouter.web.middleware.RequestContextMiddleware",
    "batchrouter.web.middleware.RefuseNulMiddleware",
    "batchrouter.web.middleware.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionSeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "batchrouter.urls"
WSGI_APPLICATION = "batchrouter.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "batchrouter.web.theme.theme",
            ],
        },
    },
]

# Database: PostgreSQL everywhere. Without DATABASE_URL the embedded server that
# bin/serve, bin/demo and bin/test start under VAR_DIR is meant.
EMBEDDED_DATABASE_URL = "postgresql://postgres@/batchrouter?host=" + str(
    VAR_DIR / "postgres"
)
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", EMBEDDED_DATABASE_URL),
        conn_max_age=0,
        # A connection of the pool is tried before use: the server may have restarted.
        conn_health_checks=True,
    )
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": env.number("DATABASE_POOL_MAX", 12, minimum=1),
    "timeout": 10,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Broker and cache: Redis where REDIS_URL is set, else files and the database.
REDIS_URL = env.text("REDIS_URL")
BROKER_DIR = VAR_DIR / "broker"
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "django_cache",
        }
    }

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    }
]

# allauth keeps the steps of a login, second factors and the list of sessions. Sign-up,
# addresses and resets are ours: equal answers in equal time (docs/decisions/0008).
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
}
ACCOUNT_FORMS = {"login": "console.forms.LoginForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_TOTP_ISSUER = "BatchRouter"
MFA_ALLOW_UNVERIFIED_EMAIL = True
# How many proxies of ours stand before the server: limits count the client's address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, minimum=0)
# A forgotten password: how long the link of the mail works.
PASSWORD_RESET_TIMEOUT = 3600
SESSION_TOKEN_DAYS = env.number("SESSION_TOKEN_DAYS", 30, minimum=1)

# Mail. Without RESEND_API_KEY each lands in MAIL_DIR and on /dev/inbox; in production
# nothing is sent without it, and nobody can sign up.
RESEND_API_KEY = env.text("RESEND_API_KEY")
MAIL_DIR: Path | None = VAR_DIR / "mail"
EMAIL_BACKEND = "batchrouter.mail.backends.FolderBackend"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "BatchRouter <no-reply@batchrouter.test>")
ANYMAIL: dict[str, Any] = {
    "RESEND_API_KEY": RESEND_API_KEY,
    "RESEND_API_URL": env.text("RESEND_API_URL", "https://api.resend.com/"),
    "RESEND_SIGNING_SECRET": env.text("RESEND_SIGNING_SECRET"),
    "REQUESTS_TIMEOUT": (5, 20),
}
if RESEND_API_KEY:
    MAIL_DIR = None
    EMAIL_BACKEND = "batchrouter.mail.backends.ResendBackend"
# A stranger can make us send mail; these bound it, counted in the database.
MAIL_PER_ADDRESS_HOURLY = env.number("MAIL_PER_ADDRESS_HOURLY", 6, minimum=1)
MAIL_PER_CLIENT_HOURLY = env.number("MAIL_PER_CLIENT_HOURLY", 30, minimum=1)
MAIL_SWEEP_SECONDS = env.number("MAIL_SWEEP_SECONDS", 10, minimum=1)

# Whom a leaked key is reported by, and where their public keys are (J18).
SECRET_SCANNING_KEYS_URL = env.text(
    "SECRET_SCANNING_KEYS_URL",
    "https://api.github.com/meta/public_keys/secret_scanning",
)
# Promotional credits of a new organization, in whole US dollars.
WELCOME_CREDIT_USD = env.number("WELCOME_CREDIT_USD", 0, minimum=0)
# Sample runs on the house in 24 hours, over all organizations; 0 turns them off.
SAMPLE_RUNS_PER_DAY = env.number("SAMPLE_RUNS_PER_DAY", 100, minimum=0)

# Items whose answers were all rejected, with none delivered, that stop a batch.
REJECTED_ITEMS_MAX = env.number("REJECTED_ITEMS_MAX", 200, minimum=1)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# Uploads are streamed by our own views; these caps are for forms and JSON bodies.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
# Addresses that take a manifest, and the most that a body may hold there: 200 MiB and
# the frame of a form. Everything else is held to the cap above.
UPLOAD_PATHS = (
    "/v1/batches/input-manifests",
    "/v1/files",
    "/batches/new",
    "/reports/imports",
)
UPLOAD_BYTES_MAX = 200 * 1024 * 1024 + 64 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

# Checkout: Stripe. Without a secret key it is off. STRIPE_API_BASE names a stand-in and
# is not read in production. Any of the webhook secrets may sign: two while one rotates.
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_API_BASE = env.text("STRIPE_API_BASE").rstrip("/")
STRIPE_WEBHOOK_SECRETS = [
    *env.words("STRIPE_WEBHOOK_SECRETS"),
    *env.words("STRIPE_WEBHOOK_SECRET"),
]
STRIPE_LIVE_MODE = env.flag("STRIPE_LIVE_MODE")
# Ours, where events of connected accounts may arrive too; they are never credited.
STRIPE_ACCOUNT_ID = env.text("STRIPE_ACCOUNT_ID")
# What dj-stripe is tested with; make the webhook endpoint with the same one.
STRIPE_API_VERSION = env.text("STRIPE_API_VERSION", "2026-05-27.dahlia")
STRIPE_PULL_SECONDS = env.number("STRIPE_PULL_SECONDS", 300, minimum=1)
STRIPE_INBOX_SECONDS = env.number("STRIPE_INBOX_SECONDS", 30, minimum=1)
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
# One generated file in place of upstream's three, which take 50 seconds.
MIGRATION_MODULES = {"djstripe": "billing.djstripe_migrations"}
# Where a form may lead a browser: the hosted page asks for the card.
CHECKOUT_PAGES = ["https://checkout.stripe.com", *filter(None, [STRIPE_API_BASE])]

# What one operator may give or refund without another: dollars at once, and in a day.
OPERATOR_ALONE_USD = env.number("OPERATOR_ALONE_USD", 50, minimum=0)
OPERATOR_ALONE_DAY_USD = env.number("OPERATOR_ALONE_DAY_USD", 200, minimum=0)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, *CHECKOUT_PAGES],
    }
}
CSRF_FAILURE_VIEW = "batchrouter.web.views.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then post forms with "Origin: null", which CSRF refuses.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["batchrouter.web.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["batchrouter.web.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "batchrouter.web.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "BatchRouter API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Quote, run and settle batches of AI calls across providers.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "QuoteState": ["active", "accepted", "expired", "void"],
        "DeliveryState": ["pending", "sending", "delivered", "failed"],
        "KeyMode": ["live", "test"],
        "LaneMode": ["batch", "direct"],
        "ImportProvider": ["openai", "anthropic"],
        "KeyState": ["active", "expired", "revoked"],
        "InvitationState": ["open", "expired"],
        "ReservationState": ["open", "closed"],
        "Scope": ["quote", "submit", "read", "cancel", "billing", "admin"],
        "BatchState": [
            "priced",
            "queued",
            "running",
            "finalizing",
            "completed",
            "failed",
            "canceled",
        ],
    },
}

# How long a repeated request waits for the first one before it hears 409.
IDEMPOTENCY_WAIT_MS = 8000

# Celery: the broker is a doorbell (docs/decisions/0003).
# The host is a word that kombu asks for.
CELERY_BROKER_URL = REDIS_URL or "files://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "visibility_timeout": 3600,
        "unacked_restore_throttle": 1,
        # A broker that is down or hangs costs a request seconds at most, once.
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "max_retries": 0,
        "interval_start": 0,
    }
    if REDIS_URL
    else {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.05,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_ROUTES = {
    "batches.run_direct": {"queue": "direct"},
    "batches.send_webhooks": {"queue": "delivery"},
}
CELERY_TIMEZONE = "UTC"

# Where bytes live.
ARTIFACTS_DIR = Path(env.text("ARTIFACTS_DIR", str(VAR_DIR / "artifacts")))
TIKTOKEN_DIR = VAR_DIR / "tiktoken"
SIGNED_URL_SECONDS = 900

# Receipts are signed by this key: 32 bytes, base64. In development it is derived.
RECEIPT_SIGNING_SEED_B64 = env.text("RECEIPT_SIGNING_SEED_B64")

# Providers. A provider without a key has no live lane. SANDBOX_PROVIDERS_URL points
# every provider that has no key at the simulator.
SANDBOX_PROVIDERS_URL = env.text("SANDBOX_PROVIDERS_URL")
_PROVIDERS = (
    *("openai", "anthropic", "gemini", "mistral", "groq", "together", "fireworks"),
    *("deepseek", "openrouter", "compatible"),
)
PROVIDER_API_KEYS = {name: env.text(f"{name.upper()}_API_KEY") for name in _PROVIDERS}
PROVIDER_BASE_URLS = {name: env.text(f"{name.upper()}_BASE_URL") for name in _PROVIDERS}
# What only one provider has a word for; its adapter names the options that it reads.
PROVIDER_OPTIONS = {
    "anthropic": {"api_version": env.text("ANTHROPIC_API_VERSION", "2026-10-21")},
    "gemini": {"api_version": env.text("GEMINI_API_VERSION", "v1")},
    "fireworks": {"account_id": env.text("FIREWORKS_ACCOUNT_ID")},
    "openrouter": {
        "data_collection": env.text("OPENROUTER_DATA_COLLECTION", "deny"),
        "zdr": env.text("OPENROUTER_ZDR"),
        "only": env.text("OPENROUTER_ONLY"),
    },
}

# Keys at providers are sealed with the first of these, and opened with any; none:
# with SECRET_KEY.
CREDENTIALS_KEYS = env.words("CREDENTIALS_KEYS")

# Price book: from when on a price counts as old, and how far ahead an end is told.
PRICE_STALE_DAYS = env.number("PRICE_STALE_DAYS", 45, minimum=1)
DEPRECATION_NOTICE_DAYS = env.number("DEPRECATION_NOTICE_DAYS", 30, minimum=1)

# Execution. Seconds unless named otherwise.
QUOTE_VALID_SECONDS = env.number("QUOTE_VALID_SECONDS", 600, minimum=1)
LEASE_SECONDS = env.number("LEASE_SECONDS", 30, minimum=2)
DIRECT_WINDOW = env.number("DIRECT_WINDOW", 128, minimum=1)
DIRECT_UNIT_ITEMS = env.number("DIRECT_UNIT_ITEMS", 500, minimum=1)
NATIVE_UNIT_ITEMS = env.number("NATIVE_UNIT_ITEMS", 5000, minimum=1)
DIRECT_CALL_SECONDS = env.number("DIRECT_CALL_SECONDS", 120, minimum=1)
NATIVE_POLL_FIRST_SECONDS = env.number("NATIVE_POLL_FIRST_SECONDS", 2, minimum=1)
NATIVE_POLL_MAX_SECONDS = env.number("NATIVE_POLL_MAX_SECONDS", 60, minimum=1)
# A provider's list of jobs may lag this far behind what was sent.
JOB_LISTING_LAG_SECONDS = 10
# Webhooks out. The lease is far above the ten seconds that an endpoint has to answer;
# the networks are public ones of ours, which may not be called either.
WEBHOOK_LEASE_SECONDS = env.number("WEBHOOK_LEASE_SECONDS", 30, minimum=2)
WEBHOOK_REFUSED_NETWORKS = env.words("WEBHOOK_REFUSED_NETWORKS")
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 5, minimum=1)
# Content is kept this long after a batch has ended, where neither the organization nor
# the manifest says otherwise. OpenAI keeps batch files 30 days (read 2026-11-29).
RETENTION_DAYS = env.number("RETENTION_DAYS", 30, minimum=1)
RECONCILE_SECONDS = env.number("RECONCILE_SECONDS", 300, minimum=10)
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    # Finds what no message announced; every step it rings is safe to repeat.
    "sweep": {"task": "batches.sweep", "schedule": SWEEP_SECONDS},
    # Removes what nothing names: scratch files, unnamed blobs, old records.
    "tidy": {"task": "batches.tidy", "schedule": 3600},
    # Notices lanes whose answers have become worse.
    "watch-drift": {"task": "batches.watch_drift", "schedule": 600},
    "forget": {"task": "accounts.forget_old", "schedule": 3600},
    # Sends what no message announced.
    "mail": {"task": "mail.send_due", "schedule": MAIL_SWEEP_SECONDS},
    # Proves the money invariants; a failure freezes spending.
    "reconcile": {"task": "billing.reconcile", "schedule": RECONCILE_SECONDS},
    # Proves all of them, and keeps a digest of the ledger outside the database.
    "reconcile-all": {
        "task": "billing.reconcile_all",
        "schedule": crontab(hour="3", minute="17"),
    },
    "expire-grants": {"task": "billing.expire_grants", "schedule": RECONCILE_SECONDS},
    # Asks Stripe again for refunds whose answer was lost.
    "card-refunds": {"task": "billing.card_refunds", "schedule": RECONCILE_SECONDS},
    # Events that wait for others, and dj-stripe's copies.
    "stripe-inbox": {"task": "billing.stripe_inbox", "schedule": STRIPE_INBOX_SECONDS},
    # What a lost webhook would have told.
    "stripe-pull": {"task": "billing.stripe_pull", "schedule": STRIPE_PULL_SECONDS},
}

SENTRY_DSN = env.text("SENTRY_DSN")
if SENTRY_DSN:
    # No local variables and no bodies: they may hold keys and prompts.
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        environment=APP_ENV,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=logs.scrub_report,
    )
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING_CONFIG = None
logs.configure(level=LOG_LEVEL, json_lines=env.flag("LOG_JSON"))
