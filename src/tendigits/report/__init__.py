"""How good a trained network is: run folders, metrics, curves, and the HTML report.

Commands that list, compare and evaluate runs read from here.
"""
