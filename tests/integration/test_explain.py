"""`POST /api/v1/explain` and `cordwood explain`, asked of both stores."""

KEYS = "planted=0123456789abcdef0001:ingest+query,other=0123456789abcdef0002:ingest+query"
