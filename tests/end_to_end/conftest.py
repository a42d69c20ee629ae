import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def processes():
    spec = importlib.util.spec_from_file_location("processes", Path(__file__).with_name("processes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
