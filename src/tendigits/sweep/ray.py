"""The trials of a search on a Ray cluster, as many at a time as it has cores.

best = search(sweep, trials=40, run_trials=partial(run_on_ray, "10.0.0.1:6379"))

Each trial is a Ray task that opens the study itself, asks for values and tells the result, as Optuna's own documents
do it, so the search's folder must be one that every node sees. A search on one machine can continue on a cluster, and
the other way round.
"""

import platform
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from tendigits.cluster import connected
from tendigits.errors import Failure, HostError, TendigitsError, reason_of
from tendigits.sweep.study import Sweep, Watch, open_study, retry, run_next, summarize
from tendigits.sweep.trial import Warn

ENVIRONMENT = {
    "NPROC": "1",  # a trial on each core is faster than all cores for one
    "OMP_NUM_THREADS": "1",
    "KERAS_BACKEND": "jax",
}
"""Environment variables of the processes that train."""

RETRIES = 2
"""Times that a trial is retried if its process is lost; it continues from its last epoch."""

INTERVAL = 0.5
"""Seconds between two looks at the study."""

TASK = "task"
"""User attribute of a trial: the number of the task that runs it."""


def run_on_ray(address: str, sweep: Sweep, study: optuna.Study, trials: int, watch: Watch, warn: Warn) -> None:
    """Run trials on the cluster at `address`; "local" starts one on this machine.

    Raises:
        HostError: there is no such cluster, or a node does not see the search's folder.
        TendigitsError: as raised by a trial.
        Failure: a trial failed for another reason.
    """
    data = None if sweep.data is None else Path(sweep.data).absolute()
    sweep = replace(sweep, folder=sweep.folder.absolute(), data=data)
    with connected(address, environment=ENVIRONMENT):
        import ray

        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_run)
        running = [task.remote(sweep, number) for number in range(trials)]
        while running:
            ended, running = ray.wait(running, timeout=INTERVAL)
            watch(summarize(study))
            for each in ended:
                try:
                    warnings, error = ray.get(each)
                except ray.exceptions.RayError as lost:
                    raise Failure(
                        f"a trial failed: {reason_of(lost)}; run the same command again to continue"
                    ) from None
                for warning in warnings:
                    warn(warning)
                if error is not None:
                    raise error


def _run(sweep: Sweep, number: int) -> tuple[list[str], TendigitsError | None]:
    """On a node: one trial. Returns its warnings and what it raised."""
    warnings: list[str] = []
    try:
        if not (sweep.folder / "sweep.json").exists():
            raise HostError(
                f"expected {sweep.folder} on {platform.node()}, found nothing there; choose --runs that every node of "
                "the cluster sees"
            )
        study = open_study(sweep, process=number)
        running = study.get_trials(states=(TrialState.RUNNING,))
        retry(study, [trial for trial in running if trial.user_attrs.get(TASK) == number])  # an earlier attempt's
        run_next(sweep, study, lambda _: None, warnings.append, **{TASK: number})
    except TendigitsError as error:
        return warnings, error
    return warnings, None
