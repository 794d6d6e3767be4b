"""The command line: one file a command."""

import sys


def main() -> None:
    """Run the command that the arguments name."""
    from cordwood.cli.memory import keep_memory_together

    keep_memory_together()
    from cordwood.cli.app import app_for, told_apart

    arguments = told_apart(sys.argv[1:])
    app_for(arguments)(arguments)
