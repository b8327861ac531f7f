"""`tendigits sweep`: hyperparameter search, with a run for each trial.

Optuna proposes the settings. Ray can spread the trials over a cluster.
"""
