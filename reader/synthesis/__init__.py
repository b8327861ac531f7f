"""Synthetic pictures for the reader network: digits by many writers, letters, signs and scribbles, on paper.

writers.py combines the others: strokes, printed fonts, letters, paper, pairs of digits and non-digits.
"""
