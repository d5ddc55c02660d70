"""The notebooks of docs/: from the published panel to an event study, executed as a reader executes them."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

LANGUAGES = ("zh", "en")


def code(notebook) -> list[str]:
    """The lines of code, without blank ones."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [line for source in cells for line in source.splitlines() if line.strip()]


def said(notebook) -> list[str]:
    """What the cells print and return, as text."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [
        output.get("text") or output.data["text/plain"]
        for output in outputs
        if "text" in output or "image/svg+xml" not in output.data
    ]


@pytest.fixture(params=LANGUAGES)
def notebook(request, project):
    return nbformat.read(project / "docs" / "notebooks" / f"event_study.{request.param}.ipynb", as_version=4)


def test_a_notebook_does_what_it_shows(notebook, demo_build, tmp_path):
    folder = tmp_path / "docs" / "notebooks"
    folder.mkdir(parents=True)
    shutil.copytree(demo_build / "published", tmp_path / "data" / "published")
    shown = said(notebook)
    executed = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    # Number by number what is committed, and at the end a chart.
    assert said(executed) == shown and "largest difference below 1e-9: True\n" in shown
    assert executed.cells[-1].outputs[0].data["image/svg+xml"].count("<path") > 10


def test_a_notebook_is_short_and_says_that_the_data_are_simulated(notebook):
    assert len(code(notebook)) <= 20
    first = notebook.cells[0].source
    assert "模拟" in first or "simulated" in first


def test_both_languages_have_the_same_code(project):
    folder = project / "docs" / "notebooks"
    chinese, english = (code(nbformat.read(folder / f"event_study.{name}.ipynb", as_version=4)) for name in LANGUAGES)
    different = [pair for pair in zip(chinese, english, strict=True) if pair[0] != pair[1]]
    # The titles of the axes.
    assert len(different) == 2 and all("title=" in line or "alt." in line for line, _ in different)
