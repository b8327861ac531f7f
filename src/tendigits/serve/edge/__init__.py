"""The checks and limits that every connection and request passes before a route sees it."""
