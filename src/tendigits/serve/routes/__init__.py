"""The REST API: one router per module.

Handlers check, call the library, and shape its result; errors.py turns exceptions into responses.
"""
