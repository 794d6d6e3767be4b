"""The site of the documentation: complete, with every link leading somewhere, and asking nobody else for anything.

What makes it is installed by `make docs`; without it only the pages themselves are looked at.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPHINX = ROOT / ".venv-deploy" / "bin" / "sphinx-build"


def built(docs: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    options = ["--quiet", "--fresh-env", "--fail-on-warning", "--nitpicky", "--builder", "html"]
    return subprocess.run([SPHINX, *options, docs, site], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not SPHINX.exists(), reason="`make docs` installs Sphinx into .venv-deploy")
@pytest.mark.timeout(300)
def test_the_site_asks_nobody_else(tmp_path: Path) -> None:
    done = built(ROOT / "docs", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text()
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(https?:)?//', text)
        loaded += re.findall(r'<link\b[^>]*\bhref="(?:https?:)?//[^"]*"', text)
        assert not loaded, page.name
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import\s+['\"]?(?:https?:)?//", style.read_text()), style.name
    assert (tmp_path / "site" / "searchindex.js").stat().st_size > 50_000


@pytest.mark.skipif(not SPHINX.exists(), reason="`make docs` installs Sphinx into .venv-deploy")
def test_a_link_that_leads_nowhere_fails_the_site(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conf.py").write_text((ROOT / "docs" / "conf.py").read_text())
    (docs / "index.md").write_text("# One\n\n[a page](other.md)\n")
    assert "other.md" in built(docs, tmp_path / "site").stderr
    (docs / "index.md").write_text("# One\n\n[a heading](#two)\n")
    done = built(docs, tmp_path / "site")
    assert (done.returncode, "'two'" in done.stderr) == (1, True)


def test_every_page_is_in_the_order_of_the_site() -> None:
    listed = set(re.findall(r"^[\w/-]+$", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE))
    pages = {str(page.relative_to(ROOT / "docs")).removesuffix(".md") for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages - listed if not page.startswith("decisions/")} == {"index"}
