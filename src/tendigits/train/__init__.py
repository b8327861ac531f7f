"""Train a recipe: from data to a trained, saved and evaluated network in a run folder.

`tendigits train` is in command.py. It calls pipeline.py, which calls trainer.py for each network.
"""
