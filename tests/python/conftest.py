"""Fixtures that several test files use."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public test material beside the checkout; the project itself never depends on it."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the public test material (a folder 'shared' beside the checkout) is absent")
    return folder
