"""`python -m tests.support.guard DIRECTORY COMMAND…`: run a server that must not outlive who asked for it.

Reads its standard input: a number is a signal for the server (SIGKILL goes to its whole group), after which the guard
ends with it. The end of the input means that the parent has died: kill everything, remove the directory.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading


def main(directory: str, command: list[str]) -> int:
    # A group of its own: the server's grandchildren (epmd, backends) are in it, the guard is not.
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    threading.Thread(target=_obey, args=(server, directory), daemon=True).start()
    status = server.wait()
    _kill_group(server.pid)
    return status


def _obey(server: "subprocess.Popen[bytes]", directory: str) -> None:
    for line in sys.stdin:
        number = signal.Signals(int(line))
        if number == signal.SIGKILL:
            _kill_group(server.pid)
        else:
            server.send_signal(number)
    _kill_group(server.pid)
    server.wait()
    if os.getppid() == 1:  # the parent did not end in order: nobody else will tidy up
        shutil.rmtree(directory, ignore_errors=True)
    os._exit(1)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
