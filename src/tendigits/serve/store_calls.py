"""Calls of the store in threads of their own: while it does not answer, they wait, and no other route does.

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

STORE_QUEUE = 64
"""Calls that may wait; further ones are answered with 503."""

LOCK_TIMEOUT = 1.0
"""Seconds that a call waits for other writers; then it is answered with 503."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def in_store_threads(route: Callable[Arguments, Answer]) -> Callable[Arguments, Coroutine[Any, Any, Answer]]:
    """Run a route, which has a parameter `state`, in the store's threads; QueueFull is raised if too many wait."""

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
