"""URL → part, parts → services. The one place that knows every concrete name."""
