"""tendigits sweep: search for the settings that do best, with a run for each trial.

Optuna proposes; Ray spreads the trials over a cluster.
"""
