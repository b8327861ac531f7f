"""How good a trained network is: metrics, curves, comparisons of runs, and the HTML report."""
