"""Saved queries and alerts as people ask for them: the endpoints, the back-test, and the values of rules."""
