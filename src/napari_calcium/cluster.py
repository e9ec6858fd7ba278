"""Work on other machines: an executor that hands blocks to a dask.distributed cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

__all__ = ["ClusterError", "ClusterExecutor", "cluster_executor", "where_to_run"]

_TIMEOUT_S = 10.0
_RETRIES = 3
# Chunks of movies that no other machine can read travel with the call; dask warns from 10 MB on.
_LARGE_CALLS = {"distributed.admin.large-graph-warning-threshold": "1GB"}


class ClusterError(ConnectionError):
    """A cluster that cannot be used; the message is one line that says what to do."""


class ClusterExecutor(Executor):
    """Runs calls on the workers of a dask.distributed client.

    A block of work is a large function (a template, footprints, a movie's place) and a small argument. The
    function is sent to the cluster once and stays there until another one comes, so a pass over a movie sends
    little but the numbers of its frames. Work of a worker that is lost is done again by another one.

    Parameters
    ----------
    client : distributed.Client
        It stays open when the executor is shut down.

    Attributes
    ----------
    n_workers : int
        Threads of all workers together: how much can be under way at once.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._tasks = client.get_executor(pure=False, retries=_RETRIES)
        self._function: Callable[..., Any] | None = None
        self._sent: Any = None
        self.n_workers = max(1, sum(client.ncores().values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn(*args, **kwargs)`` on the cluster; `fn` is sent only where it is not the one before."""
        if fn is not self._function:
            # To all workers: what only one of them holds is gone with it, and could not be made again. Not
            # hashed, because that reads all of it.
            self._sent = self._client.scatter(_Boxed(fn), hash=False, broadcast=True)
            self._function = fn
        future: Future[Any] = self._tasks.submit(_call, self._sent, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Forget the function that was sent; the client stays open."""
        self._function = self._sent = None
        self._tasks.shutdown(wait=wait)


class _Boxed:
    """A function as plain data: dask would call a bare one, or take it for a part of its graph."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def _call(boxed: _Boxed, *args: Any, **kwargs: Any) -> Any:
    return boxed.function(*args, **kwargs)


@contextmanager
def cluster_executor(address: str) -> Iterator[ClusterExecutor]:
    """Connect to a dask.distributed scheduler for a while.

    Parameters
    ----------
    address : str
        Such as ``tcp://192.168.0.2:8786``. Its workers need this program, in the same version, and files
        under the same names.

    Raises
    ------
    ClusterError
        If dask.distributed is not installed, no scheduler answers, or it has no workers.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise ClusterError(
            "a cluster needs dask.distributed; install it with: pip install 'napari-calcium[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=_TIMEOUT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {address} ({type(error).__name__}); "
            "start one with: dask scheduler, and workers with: dask worker ADDRESS"
        ) from None
    with client, dask.config.set(_LARGE_CALLS):
        if not client.ncores():
            raise ClusterError(
                f"the scheduler at {address} has no workers; start some: dask worker {address}"
            )
        executor = ClusterExecutor(client)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


@contextmanager
def where_to_run(address: str | None) -> Iterator[Executor | None]:
    """Connect to a cluster for a while; without an address give None, which is this machine.

    Raises
    ------
    ClusterError
        As :func:`cluster_executor`.
    """
    if not address:
        yield None
        return
    with cluster_executor(address) as executor:
        yield executor
