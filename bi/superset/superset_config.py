"""Superset on this machine only: its state below the data directory, no request to another host."""

import csv
import os
import secrets
from pathlib import Path

from flask import request, session
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
STATE = Path(os.environ["CITY_POLICY_SUPERSET_STATE"])
STATE.mkdir(parents=True, exist_ok=True)


def _secret_key() -> str:
    """The key that signs sessions: drawn once, readable by the owner only."""
    path = STATE / "secret_key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(48))
    return path.read_text()


SECRET_KEY = _secret_key()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{STATE / 'metadata.db'}"
APP_NAME = "City policy"
# Superset's own words; a dashboard sets them to its language.
LANGUAGES = {"en": {"flag": "us", "name": "English"}, "zh": {"flag": "cn", "name": "中文"}}
# Results are read anew every time: a new publication shows at once.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# A chart asks for at most this many rows; the panel has 3,025.
ROW_LIMIT = 20000
# One process serves one person on localhost: the limit would need a store of its own.
RATELIMIT_ENABLED = False
# Texts of a study are shown and never run: no Jinja in queries, no HTML in Markdown.
FEATURE_FLAGS = {
    "DASHBOARD_VIRTUALIZATION": False,
    "THUMBNAILS": False,
    "ALERT_REPORTS": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ESCAPE_MARKDOWN_HTML": True,
}
# The browser may talk to this server only. The map of China and the fonts come with Superset.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}


def _notice() -> list[str]:
    """The notice on simulated data in both languages; empty where the data are not simulated.

    It is read for every page, because the next build may have another input.
    """
    with open(HERE / "notices.csv", encoding="utf-8", newline="") as handle:
        notices = {row["kind"]: [row["zh"], row["en"]] for row in csv.DictReader(handle)}
    engine = create_engine(os.environ["CITY_POLICY_SUPERSET_DATABASE"], poolclass=NullPool)
    try:
        with engine.connect() as connection:
            inputs = connection.execute(text("select data_source from marts.dim_study")).scalars().all()
    except SQLAlchemyError:
        return notices["unknown"]
    return notices["simulated"] if any(source.startswith("simulated") for source in inputs) else []


def FLASK_APP_MUTATOR(app) -> None:
    """Add the notice to all pages, set the language of a dashboard, and take the telemetry picture out."""
    app.jinja_loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), app.jinja_loader])
    app.jinja_env.globals["city_policy_notice"] = _notice

    @app.before_request
    def language_of_the_dashboard():
        if request.path.startswith("/superset/dashboard/city-policy"):
            session["locale"] = "zh" if request.path.startswith("/superset/dashboard/city-policy-zh") else "en"

    # No setting takes the picture out, and it asks another host.
    pixel = b"https://apachesuperset.gateway.scarf.sh/pixel/"
    # The smallest picture there is; what follows the # is ignored.
    nothing = b"data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==#"

    @app.after_request
    def without_telemetry(response):
        if response.mimetype == "text/javascript" and response.status_code == 200:
            response.direct_passthrough = False
            script = response.get_data()
            if pixel in script:
                response.set_data(script.replace(pixel, nothing))
        return response
