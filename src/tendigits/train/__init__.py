"""From a recipe to a trained, saved and judged network in a run folder."""
