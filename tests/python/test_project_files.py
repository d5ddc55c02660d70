"""Files about the project itself: one version everywhere, and the terms of the data beside the data."""

import tomllib

import pytest
import yaml
from city_policy import __version__
from conftest import PROJECT

SEED_FOLDERS = sorted({path.parent.relative_to(PROJECT) for path in (PROJECT / "seeds").rglob("*.csv")})


def test_the_version_is_the_same_everywhere():
    package = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    warehouse = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    headings = [
        line for line in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "
    ]
    assert package["version"] == __version__
    assert warehouse["version"] == __version__
    assert citation["version"] == __version__
    assert headings[0].startswith(f"## {__version__} ")


def test_the_citation_has_what_its_format_requires():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == "MIT" and citation["type"] == "software"
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference)


@pytest.mark.parametrize("folder", SEED_FOLDERS, ids=str)
def test_every_folder_of_seeds_says_under_which_terms_its_data_may_be_used(folder):
    text = (PROJECT / folder / "LICENSE.md").read_text(encoding="utf-8")
    for path in sorted((PROJECT / folder).glob("*.csv")):
        family = (
            "demo_" if path.stem.startswith("demo_") else "published_" if path.stem.startswith("published_") else None
        )
        assert f"`{path.stem}`" in text or (family and f"`{family}*`" in text), f"{folder}: {path.stem} is not named"
