"""Fixtures of the system tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from toy import Suite, make_suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """One commit of the toy project whose value is 1."""
    return make_suite(tmp_path)


@pytest.fixture
def make() -> Callable[[Path], Suite]:
    return make_suite
