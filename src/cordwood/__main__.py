"""`python -m cordwood`."""

from cordwood.cli import main

main()
