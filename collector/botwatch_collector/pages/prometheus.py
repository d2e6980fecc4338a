"""The page for those who scrape: what to put into prometheus.yml, the alerts, and a dashboard for Grafana."""

from flask import Blueprint

from .. import guard
from ..access import accounts
from . import base

blueprint = Blueprint("prometheus", __name__)


@blueprint.get("/prometheus")
@guard.requires_login()
def prometheus() -> str:
    """With this collector's own address filled in."""
    reader = guard.reader()
    return base.render(
        "prometheus.html",
        reader,
        url=base.collector_url(),
        may_make_tokens=reader.account is not None and accounts.may(reader.account, "operator"),
    )
