"""Calls of the store in separate threads: while it does not answer, they wait, and no other route does.

@router.get("/v1/corrections")
@in_store_threads
def list_corrections(state: State) -> ...
"""

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from math import nan
from typing import Any, ParamSpec, TypeVar, cast

from tendigits.errors import TendigitsError
from tendigits.serve.app_state import AppState
from tendigits.teach.store import Store

STORE_THREADS = 4
"""More would not help: SQLite has one writer."""

MAX_WAITING_CALLS = 64
"""Calls that may wait; further ones are answered with 503."""

LOCK_TIMEOUT_SECONDS = 1.0
"""How long a call waits for another process that has locked the database; then it is answered with 503."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def in_store_threads(route: Callable[Arguments, Answer]) -> Callable[Arguments, Coroutine[Any, Any, Answer]]:
    """Run a route, which has a parameter `state`, in the store's threads. Raises QueueFull if too many calls wait."""

    @wraps(route)
    async def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        state = cast(AppState, named["state"])
        return await state.store_threads.run(partial(route, *arguments, **named))

    return run


def count_or_nan(store: Store) -> float:
    """The number of corrections, for the metrics, which must not fail together with the store."""
    try:
        return store.count()
    except TendigitsError:
        return nan
