"""Teach the reader a person's handwriting: store corrections, fine-tune the network on them, and verify it.

A fine-tuned network reads only after a person has accepted it, and can be rolled back.
"""
