"""How well messages are grouped, as the bench counts it."""

from pathlib import Path

import pytest
from bench.patterns import grouping_accuracy, measure


@pytest.mark.parametrize(
    ("found", "accuracy"),
    [
        ([1, 1, 2, 2, 2], 1.0),
        ([1, 1, 2, 2, 3], 0.4),  # one group is split: none of its messages counts
        ([1, 1, 1, 1, 1], 0.0),  # groups that are put together are both wrong
    ],
)
def test_accuracy_counts_messages_of_exact_groups(found: list[int], accuracy: float) -> None:
    assert grouping_accuracy(found, ["a", "a", "b", "b", "b"]) == accuracy


def test_a_directory_of_logs_is_measured(tmp_path: Path) -> None:
    rows = [f'{number},"took {number} ms, all",E1' for number in range(9)] + ["9,done,E2"]
    (tmp_path / "Apache.log_structured.csv").write_text("\n".join(["LineId,Content,EventId", *rows]) + "\n")
    figures = measure(tmp_path, 1)
    assert figures["Apache_accuracy"] == figures["Apache_accuracy_merged"] == figures["mean_accuracy"] == 1.0
    assert figures["Apache_templates"] == figures["Apache_templates_true"] == 2
    assert figures["Apache_mine_cpu_us"] > 0
    assert "missing" not in figures
