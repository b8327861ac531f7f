"""Beside the road: a trained network as a file for another runtime, proved on the whole test set before it is kept."""
