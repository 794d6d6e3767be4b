"""`python -m tests.fuzz DECODER --runs N`: a decoder under coverage-guided fuzzing (atheris, libFuzzer).

`make fuzz ARGS="native --runs 1000000"` installs what it needs. Begins with tests/fuzz/corpus/DECODER; keeps what it
finds new in the directory that --keep names. An input that breaks a promise is written to a file and named.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cordwood"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz a decoder.")
    parser.add_argument("decoder", choices=sorted(TARGETS))
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=0, help="stop after so long; 0 means: after the runs")
    parser.add_argument("--max-bytes", type=int, default=4096, help="longest input made")
    parser.add_argument("--keep", type=Path, help="where new inputs are kept between runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = asked.keep or Path(scratch)
        found.mkdir(parents=True, exist_ok=True)
        options = [
            f"-runs={asked.runs}",
            f"-max_len={asked.max_bytes}",
            f"-max_total_time={asked.seconds}",
            f"-artifact_prefix=fuzz-{asked.decoder}-",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / asked.decoder)], TARGETS[asked.decoder])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
