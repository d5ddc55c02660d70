"""Files about the project itself: one version everywhere, and how to cite it."""

import tomllib

import yaml
from city_policy import __version__
from conftest import PROJECT


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
