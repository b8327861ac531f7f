"""How good a trained network is: run folders, metrics, curves, and the HTML report.

The commands that list, compare and evaluate runs start in command.py.
"""
