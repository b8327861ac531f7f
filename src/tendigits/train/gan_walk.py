"""A run of a conditional GAN: the same stages, a picture of what it writes after each epoch, and how good that is.

samples/epoch-001.png   a column for each digit, from the same random numbers after every epoch
generator.keras         keras.models.load_model opens it: (n, latent + 10) -> (n, 784)
"""

from pathlib import Path
from typing import Any

import keras

from tendigits.model.file import save_generator
from tendigits.model.recipe import Recipe
from tendigits.report import messages
from tendigits.report.evaluate import report_on_samples
from tendigits.train.gan import ConditionalGan, build_gan, compile_gan
from tendigits.train.samples import draw_samples
from tendigits.train.trainer import Trained, Walk, timed


class _Samples(keras.callbacks.Callback):  # type: ignore[misc]
    """Draws what is written after each epoch; the averaged weights write, where there are some."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        super().__init__()
        self.recipe, self.folder = recipe, folder

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        draw_samples(self.model.generator, self.recipe, self.folder / f"epoch-{epoch + 1:03}.png")


class GanWalk(Walk):
    """Stages 2 to 8 of a recipe with random numbers to start from."""

    def _build(self) -> ConditionalGan:
        return build_gan(self.recipe)

    def _compile(self, model: ConditionalGan, steps: int) -> None:
        compile_gan(model, self.recipe, steps)

    def _onlookers(self, model: ConditionalGan) -> tuple[keras.callbacks.Callback, ...]:
        return (_Samples(self.recipe, self.run.path / "samples"),)

    def _conclude(self, model: ConditionalGan, history: keras.callbacks.History) -> Trained:
        screen, durations = self.screen, self.record["durations"]
        with timed(durations, "curves"):
            self._save_curves(history.history)
        screen.stage(6, "Curves", "curves.svg, curves.png, samples/")
        with timed(durations, "save"):
            self._save_models(model)
        self.record["result"] = {"epochs": len(history.history["loss"])}
        with timed(durations, "report"):
            samples = report_on_samples(model.generator, self.dataset, self.run, self.record)
        screen.stage(8, "Report", *messages.samples_lines(samples, self.run.path))
        return Trained(self.run, model.generator, history, None if samples is None else samples.report)

    def _save_models(self, model: ConditionalGan) -> None:
        saved = save_generator(model.generator, self.run.path, self.recipe)
        self.record["models"] = {saved.path.name: saved.sha256}
        self.screen.stage(7, "Save", messages.saved_line(saved))
