"""Nothing that Cordwood depends on needs pandas, but pyarrow imports it where a development tool has brought it: 40 MB
and a quarter of a second that no user pays."""

raise ImportError("pandas is not installed with Cordwood")
