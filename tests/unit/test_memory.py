"""Libraries share one heap."""

import os
import subprocess
import sys

import pytest

_CODE = """
from cordwood.cli.memory import keep_memory_together
keep_memory_together()
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(("said", "pool"), [({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")])
def test_arrow_uses_the_heap_of_all_unless_told_otherwise(said: dict[str, str], pool: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    done = subprocess.run(
        [sys.executable, "-c", _CODE], env=environment | said, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == pool
