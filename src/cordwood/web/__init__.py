"""The web page: `dist/` is what a browser loads, built from `web/` by `make page`; `page` serves it."""
