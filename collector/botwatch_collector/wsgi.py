"""For other WSGI servers: `botwatch_collector.wsgi:app`."""

from .app import create_app

app = create_app()
