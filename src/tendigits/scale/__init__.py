"""Beside the road: many trainings, to find the settings that do best."""
