"""Fixtures of the tests of stand-ins. They start them as the end-to-end tests do."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.snowflake import Snowflake  # noqa: E402


@pytest.fixture
def snowflake():
    server = Snowflake()
    yield server
    server.remove()
