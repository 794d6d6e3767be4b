"""How Sphinx makes a site of these pages: `make docs`."""

project = "Cordwood"
copyright = "The Cordwood maintainers"  # noqa: A001  # Sphinx's name
html_title = "Cordwood"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
# Queries and their answers are languages of our own.
suppress_warnings = ["misc.highlighting_failure"]
