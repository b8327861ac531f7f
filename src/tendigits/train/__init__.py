"""From a recipe to a trained, saved and evaluated network in a run folder.

`tendigits train` starts in command.py, runs pipeline.py, which calls trainer.py for each network.
"""
