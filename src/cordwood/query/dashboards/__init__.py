"""Dashboards: the endpoints, what is checked before one is kept (`checks`), and those that come with Cordwood
(`built_in`, one JSON file each).
"""
