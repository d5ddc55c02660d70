"""Make Superset ready: metadata database, roles, the user with a password, and the dashboards of the publication.

Run with Superset's own Python. Everything is safe to repeat; assets of the same uuid are overwritten. What the person
at the terminal must read goes to file descriptor 3; the rest is for the log.
"""

import os
import secrets
from pathlib import Path

from dashboards import make_assets
from flask_appbuilder.security.sqla.models import User
from flask_migrate import upgrade
from publication import read_publication
from sqlalchemy import create_engine, text
from werkzeug.security import check_password_hash

TERMINAL = 3
# Former versions set this one.
FORMER_PASSWORD = "admin"


def tell(sentence: str) -> None:
    """Write a sentence on the terminal, past the log."""
    os.write(TERMINAL, f"{sentence}\n".encode())


def user_with_password(security_manager, name: str) -> User:
    """The user of the dashboard. SUPERSET_PASSWORD sets the password; without it one is drawn at the first start.

    Superset keeps its hash, so a drawn password can be read here and nowhere else.
    """
    user = security_manager.find_user(name)
    given = os.environ.get("SUPERSET_PASSWORD")
    if user is not None and not given and not check_password_hash(user.password, FORMER_PASSWORD):
        tell(f"User {name}; the password of the first start holds (SUPERSET_PASSWORD=… sets it anew).")
        return user
    password = given or secrets.token_urlsafe(16)
    if user is None:
        role = security_manager.find_role("Admin")
        user = security_manager.add_user(name, "City", "Policy", f"{name}@localhost", role, password=password)
    else:
        security_manager.reset_password(user.id, password)
    if given:
        tell(f"User {name}; the password is that of SUPERSET_PASSWORD.")
    else:
        tell(f"User {name}, password {password} (shown this once; SUPERSET_PASSWORD=… sets another).")
    return user


def assets_of(database_uri: str) -> dict[str, str]:
    """Path -> YAML text of the dashboards of the publication at ``database_uri``."""
    engine = create_engine(database_uri)
    try:
        with engine.connect() as connection:

            def query(sql: str):
                # A colon is no parameter: texts of the study stand in these queries.
                return connection.execute(text(sql.replace(":", "\\:"))).fetchall()

            publication = read_publication(query)
            return make_assets(
                publication, database_uri, lambda sql: bool(query(f"select 1 from ({sql}) as asked limit 1"))
            )
    finally:
        engine.dispose()


def main() -> None:
    """Prepare the metadata database that superset_config.py names."""
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        # Superset's own modules can be imported only inside an application.
        from superset import appbuilder, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        assets = assets_of(os.environ["CITY_POLICY_SUPERSET_DATABASE"])
        upgrade(directory=str(Path(app.root_path) / "migrations"))
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        user = user_with_password(security_manager, os.environ["CITY_POLICY_SUPERSET_USER"])
        with override_user(user):
            ImportAssetsCommand(assets).run()


if __name__ == "__main__":
    main()
