"""The REST API, one router per module."""
