"""Make Superset ready: metadata database, roles, the admin user, and the assets of this folder.

Run with Superset's own Python. Everything is safe to repeat; assets of the same uuid are overwritten.
"""

import copy
import os
import uuid
from pathlib import Path

import yaml
from flask_appbuilder.security.sqla.models import User
from flask_migrate import upgrade
from superset.app import create_app

ASSETS = Path(__file__).parent / "assets"


def read_assets(database_uri: str) -> dict[str, str]:
    """Path -> YAML text of every asset, with ``database_uri`` as the database to read."""
    contents = {
        str(path.relative_to(ASSETS)): path.read_text(encoding="utf-8") for path in sorted(ASSETS.rglob("*.yaml"))
    }
    name = "databases/city_policy.yaml"
    database = yaml.safe_load(contents[name])
    contents[name] = yaml.safe_dump(database | {"sqlalchemy_uri": database_uri})
    wide = yaml.safe_load(contents["dashboards/city_policy.yaml"])
    contents["dashboards/city_policy_phone.yaml"] = yaml.safe_dump(for_phones(wide))
    return contents


def for_phones(dashboard: dict) -> dict:
    """The same charts one below the other and without the filter bar: Superset squeezes a row on a narrow screen."""
    dashboard = copy.deepcopy(dashboard)
    position = dashboard["position"]
    for row in [part for part in position.values() if isinstance(part, dict) and part["type"] == "ROW"]:
        singles = []
        for chart in row["children"]:
            single = f"{row['id']}-{chart}"
            singles.append(single)
            position[single] = row | {"id": single, "children": [chart]}
            position[chart]["parents"][-1] = single
            position[chart]["meta"]["width"] = 12
            # Text takes more lines.
            if len(row["children"]) == 1:
                position[chart]["meta"]["height"] = max(position[chart]["meta"]["height"], 36)
        siblings = position[row["parents"][-1]]["children"]
        place = siblings.index(row["id"])
        siblings[place : place + 1] = singles
        del position[row["id"]]
    dashboard["metadata"]["native_filter_configuration"] = []
    return dashboard | {
        "dashboard_title": f"{dashboard['dashboard_title']} (phone)",
        "slug": f"{dashboard['slug']}-phone",
        "uuid": str(uuid.uuid5(uuid.UUID(dashboard["uuid"]), "phone")),
    }


def main() -> None:
    """Prepare the metadata database that superset_config.py names."""
    app = create_app()
    with app.app_context():
        # Superset's own modules can be imported only inside an application.
        from superset import appbuilder, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        upgrade(directory=str(Path(app.root_path) / "migrations"))
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        name = os.environ["CITY_POLICY_SUPERSET_USER"]
        password = os.environ["CITY_POLICY_SUPERSET_PASSWORD"]
        user: User = security_manager.find_user(name)
        if user is None:
            role = security_manager.find_role("Admin")
            user = security_manager.add_user(name, "City", "Policy", f"{name}@localhost", role, password=password)
        else:
            security_manager.reset_password(user.id, password)
        with override_user(user):
            ImportAssetsCommand(read_assets(os.environ["CITY_POLICY_SUPERSET_DATABASE"])).run()


if __name__ == "__main__":
    main()
