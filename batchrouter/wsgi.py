"""The entry for web servers: ``gunicorn batchrouter.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchrouter.settings.base")

application = get_wsgi_application()
