"""Superset on this machine only: its state below the data directory, no request to another host."""

import os
import secrets
from pathlib import Path

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
# Results are read anew every time: a new publication shows at once.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# A chart asks for at most this many rows; the panel has 3,025.
ROW_LIMIT = 20000
# One process serves one person on localhost: the limit would need a store of its own.
RATELIMIT_ENABLED = False
FEATURE_FLAGS = {"DASHBOARD_VIRTUALIZATION": False, "THUMBNAILS": False, "ALERT_REPORTS": False}
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


def FLASK_APP_MUTATOR(app) -> None:
    """Take the telemetry picture out of Superset's pages: no setting does, and it asks another host."""
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
