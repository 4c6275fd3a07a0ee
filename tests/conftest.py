import pytest


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write golden files and snapshots anew")


@pytest.fixture
def update(request) -> bool:
    """Whether golden files are to be written instead of only compared."""
    return bool(request.config.getoption("--update"))
