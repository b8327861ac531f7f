"""tendigits sweep: search for the settings that work best, with a run for each trial.

Optuna proposes the settings; Ray spreads the trials over a cluster.
"""
