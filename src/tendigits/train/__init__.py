"""From a recipe and data to a run: command.py calls pipeline.py, which calls trainer.py for each network."""
