"""`python -m tests.chaos`: every fault against every set-up that it applies to, and a table of what was found."""

import argparse
import secrets
import sys
import traceback
from pathlib import Path

import msgspec

from tests.chaos.campaign import CASES, Case, Outcome, strike
from tests.support.install import main as install

_HEAD = ("fault", "set-up", "strikes", "acknowledged", "lost", "doubled", "audit faults", "unverified", "seconds")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="strike as often as docs/reliability.md reports")
    parser.add_argument("--only", default="", help="cases whose name or set-up contains this text")
    parser.add_argument("--strikes", type=int, help="strike so often in every case")
    parser.add_argument("--seed", type=int, help="repeat a run; printed by every run")
    parser.add_argument("--json", type=Path, help="also write the outcomes to this file")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    print(f"seed {seed}\n\n| " + " | ".join(_HEAD) + " |\n|" + " --- |" * len(_HEAD), flush=True)
    outcomes: list[Outcome] = []
    failed = 0
    for case in CASES:
        if options.only not in _name(case):
            continue
        strikes = options.strikes or (case.long if options.long else case.short)
        outcome = _struck(case, strikes, seed)
        failed += outcome is None or not outcome.reconciled.is_exact
        if outcome is not None:
            outcomes.append(outcome)
            print(_row(outcome), flush=True)
            for fault in outcome.reconciled.faults[:5]:
                print(f"    {fault[:300]}", flush=True)
        if options.json:
            options.json.write_bytes(msgspec.json.format(msgspec.json.encode(outcomes), indent=1))
    print(f"{failed} cases failed" if failed else "in every case nothing was lost and nothing doubled")
    return 1 if failed else 0


def _struck(case: Case, strikes: int, seed: int) -> Outcome | None:
    try:
        return strike(case.name, case.setup, [(case.fault, strikes)], seed)
    except Exception:  # noqa: BLE001  # the outermost edge of a case: the others are run all the same
        traceback.print_exc()
        print(f"it did not recover; repeat with --seed {seed} --strikes {strikes} --only '{_name(case)}'", flush=True)
        return None


def _name(case: Case) -> str:
    return f"{case.name} / {case.setup}"


def _row(outcome: Outcome) -> str:
    found = outcome.reconciled
    cells = (
        outcome.case,
        outcome.setup,
        outcome.strikes,
        f"{found.acknowledged:,}",
        found.lost,
        found.doubled + found.strangers,
        len(found.faults),
        found.unverified,
        outcome.seconds,
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    install()
    sys.exit(main())
