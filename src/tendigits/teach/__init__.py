"""The reader learns a person's handwriting from corrections.

Corrections are stored, the network is fine-tuned on them, verified, and accepted or rolled back.
"""
