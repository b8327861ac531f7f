"""What there is to say of a run at a glance, as numbers.

summarise(open_run("runs/first")).test_accuracy
"""

from dataclasses import dataclass

from tendigits.report.messages import best_epoch
from tendigits.report.run import Run


@dataclass(frozen=True)
class Summary:
    """A run, however far it came."""

    name: str
    status: str
    """finished, failed, running or interrupted."""
    recipe: str
    data: str
    created: str
    """ISO 8601, with its time zone."""
    epochs: int
    """That have ended."""
    best_epoch: int | None
    """From 1; None before the first has ended."""
    val_loss: float | None
    """Of the best epoch."""
    val_accuracy: float | None
    test_accuracy: float | None
    """None while it is not finished."""
    seconds: float


def summarise(run: Run) -> Summary:
    """Read it from the run's folder. Raises RunError."""
    record, history, recipe = run.record(), run.history(), run.recipe()
    best = best_epoch(history, recipe) if history else None
    at_best = {name: values[best - 1] for name, values in history.items()} if best else {}
    return Summary(
        name=run.path.resolve().name,
        status=status(run),
        recipe=recipe.name,
        data=record["data"]["name"],
        created=record["created"],
        epochs=len(history.get("loss", ())),
        best_epoch=best,
        val_loss=at_best.get("val_loss"),
        val_accuracy=at_best.get("val_accuracy"),
        test_accuracy=record.get("result", {}).get("test_accuracy"),
        seconds=sum(record["durations"].values()),
    )


def status(run: Run) -> str:
    """Finished, failed, running or interrupted; a run that says it runs while no process holds it was killed."""
    said = str(run.record()["status"])
    return "interrupted" if said == "running" and not run.is_locked() else said
