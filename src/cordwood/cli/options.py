"""Options that several commands share. None means: not given here, ask the settings."""

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.  [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on.")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Directory of the embedded parts.  [default: cordwood-data]")
]
Insecure = Annotated[
    bool | None, typer.Option("--insecure", help="Listen on a public address without api keys.", show_default=False)
]
