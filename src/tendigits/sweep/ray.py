"""Run the trials of a search on a Ray cluster, as many at a time as it has cores.

best = search(sweep, trials=40, run_trials=partial(run_on_ray, "10.0.0.1:6379"))

Each trial is a Ray task that opens the study and runs one trial, so every node must see the search's folder. A search
on one machine can be continued on a cluster, and the other way round.
"""

import platform
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from tendigits.cluster import connected
from tendigits.errors import Failure, HostError, TendigitsError, reason_of
from tendigits.sweep.study import Sweep, Watch, open_study, retry, run_next

WORKER_ENVIRONMENT = {
    "NPROC": "1",  # one trial on each core is faster than all cores for each trial
    "OMP_NUM_THREADS": "1",
    "KERAS_BACKEND": "jax",
}

MAX_RETRIES = 2  # a trial whose process is lost continues from its last epoch
POLL_SECONDS = 0.5
TASK = "task"  # user attribute of a trial: the number of the task that runs it


def run_on_ray(address: str, sweep: Sweep, study: optuna.Study, trials: int, watch: Watch) -> None:
    """Run trials on the cluster at `address`; "local" starts one on this machine.

    Raises:
        HostError: there is no such cluster, or a node does not see the search's folder.
        TendigitsError: as raised by a trial.
        Failure: a trial failed for another reason.
    """
    data = None if sweep.data is None else Path(sweep.data).absolute()
    sweep = replace(sweep, folder=sweep.folder.absolute(), data=data)
    with connected(address, environment=WORKER_ENVIRONMENT):
        import ray

        task = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(_run)
        running = [task.remote(sweep, number) for number in range(trials)]
        while running:
            ended, running = ray.wait(running, timeout=POLL_SECONDS)
            watch(study)
            for each in ended:
                try:
                    error = ray.get(each)
                except ray.exceptions.RayError as lost:
                    raise Failure(
                        f"a trial failed: {reason_of(lost)}; run the same command again to continue"
                    ) from None
                if error is not None:
                    raise error


def _run(sweep: Sweep, number: int) -> TendigitsError | None:
    """Run one trial on a node. Returns the error that it raised: Ray would wrap it if it were raised here."""
    try:
        if not (sweep.folder / "sweep.json").exists():
            raise HostError(
                f"expected {sweep.folder} on {platform.node()}, found nothing there; choose --runs that every node of "
                "the cluster sees"
            )
        study = open_study(sweep, process=number)
        running = study.get_trials(states=(TrialState.RUNNING,))
        retry(study, [trial for trial in running if trial.user_attrs.get(TASK) == number])  # of an earlier attempt
        run_next(sweep, study, **{TASK: number})
    except TendigitsError as error:
        return error
    return None
