"""When there is little to do."""

from cordwood.store.segments.quiet import Quiet


class Machine:
    def __init__(self) -> None:
        self.cpu_s = self.now_s = 100.0

    def passes(self, seconds: float, cores: float) -> None:
        self.now_s += seconds
        self.cpu_s += seconds * cores


def test_little_work_between_two_rounds_is_quiet() -> None:
    machine = Machine()
    quiet = Quiet(lambda: machine.cpu_s, lambda: machine.now_s)
    machine.passes(5, 0.1)
    assert quiet.is_here()
    machine.passes(5, 1.5)
    assert not quiet.is_here()


def test_what_a_round_takes_itself_does_not_count() -> None:
    machine = Machine()
    quiet = Quiet(lambda: machine.cpu_s, lambda: machine.now_s)
    machine.passes(3, 1)
    quiet.begin()
    machine.passes(5, 0.1)
    assert quiet.is_here()


def test_a_moment_tells_nothing() -> None:
    machine = Machine()
    quiet = Quiet(lambda: machine.cpu_s, lambda: machine.now_s)
    machine.passes(0.5, 0)
    assert not quiet.is_here()
