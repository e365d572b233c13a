"""Many jobs, several at a time, each in a process of its own: none can take another down."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from reidlib.errors import ReidError
from reidlib.experiments.jobs import Job
from reidlib.experiments.locks import holder
from reidlib.experiments.recorded import find
from reidlib.experiments.worker import Outcome, Places, lock_files, perform
from reidlib.files import writable_folder
from reidlib.records import load_records


@dataclass
class Report:
    """What became of a list of jobs."""

    done: list[Job] = field(default_factory=list)
    recorded: list[Job] = field(default_factory=list)  # before, nothing to do
    claimed: list[tuple[Job, str]] = field(default_factory=list)  # and the process id at it
    failed: list[tuple[Job, str]] = field(default_factory=list)  # and why
    stale: dict[str, str] = field(default_factory=dict)  # "recipe in world k" -> why it was


def cores() -> int:
    """Processor cores this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_jobs(
    jobs: Sequence[Job],
    places: Places,
    *,
    at_once: int = 1,
    keep_stale: bool = False,
    executor: Executor | None = None,
    progress: bool = True,
    say: Callable[[str], None] | None = None,
) -> Report:
    """Do the jobs in their order, `at_once` side by side; what is recorded already is skipped.

    Killed at any moment and started again, it goes on: finished runs have their records, the one
    it was at goes on from its last checkpoint. A run that fails is reported and stops no other.

    keep_stale: leave alone what other code or recipes gave, instead of doing it again.
    executor: anything with `submit`, for instance of a `cluster`; None gives each job a process on
        this machine.
    """
    from tqdm import tqdm

    writable_folder(places.results, need=2**20)
    writable_folder(places.runs, need=2**27)
    load_records(places.results)  # sets aside, and tells, what is no record
    report = Report()
    waiting: list[Job] = []
    for job in jobs:
        found = find(job, places.results)
        report.stale |= {f"{name} in world {job.world}": why for name, why in found.stale.items()}
        kept = keep_stale and all(n in found.stale or n in found.current for n in job.tests)
        (waiting if found.missing(job) and not kept else report.recorded).append(job)
    own = Processes(at_once) if executor is None else None
    bar = tqdm(
        total=len(waiting),
        unit="run",
        disable=not progress or not waiting,
        dynamic_ncols=True,
        smoothing=0,
    )
    running: dict[Future[Outcome], Job] = {}
    queue = iter(waiting)
    try:
        with bar:
            while True:
                _fill(running, queue, at_once, own or executor, places, report, bar)
                if not running:
                    break
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    _file(running.pop(future), future, places, report)
                    bar.update()
    finally:
        if own is not None:
            own.shutdown()
    return report


def _fill(
    running: dict[Future[Outcome], Job],
    queue: Any,
    at_once: int,
    executor: Any,
    places: Places,
    report: Report,
    bar: Any,
) -> None:
    """Start jobs until enough run; one that another program has done meanwhile is not started."""
    while len(running) < at_once:
        job = next(queue, None)
        if job is None:
            return
        if not find(job, places.results).missing(job):
            report.recorded.append(job)
            bar.update()
            continue
        bar.set_description(str(job))
        running[executor.submit(perform, job, places)] = job


def _file(job: Job, future: Future[Outcome], places: Places, report: Report) -> None:
    try:
        outcome = future.result()
    except Exception as error:
        report.failed.append((job, str(error) or type(error).__name__))
        return
    if outcome == "claimed":
        holders = [holder(path) for path in lock_files(job, places)]
        report.claimed.append((job, next((pid for pid in holders if pid != "?"), "?")))
    else:
        {"done": report.done, "recorded": report.recorded}[outcome].append(job)


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask cluster, and how many jobs they do at once.

    address: of its scheduler, "tcp://host:8786". All machines see the same folders.
    Raises ReidError where Dask is not installed or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ReidError("a cluster needs Dask: pip install -e '.[cluster]'") from error
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise ReidError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        workers = sum(client.nthreads().values())
        if not workers:
            raise ReidError(f"the cluster at {address} has no workers")
        yield client.get_executor(), workers


class Processes(Executor):
    """A fresh process for each call: its memory and its crash are its own, its code is of now."""

    def __init__(self, at_once: int) -> None:
        self.threads = ThreadPoolExecutor(at_once)
        self.alive: set[BaseProcess] = set()

    def submit(self, function: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        return self.threads.submit(self._call, function, *args, **more)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End what still runs. Runs keep their checkpoints."""
        for process in tuple(self.alive):
            process.terminate()
        self.threads.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _call(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_answer, args=(there, function, args, more), daemon=True)
        process.start()
        self.alive.add(process)
        there.close()
        try:
            error, result = here.recv()
        except EOFError:
            process.join()
            raise ReidError(f"its process was ended ({_ending(process.exitcode)})") from None
        finally:
            process.join()
            self.alive.discard(process)
            here.close()
        if error:
            raise ReidError(error)
        return result


def _answer(connection: Connection, function: Callable[..., Any], args: Any, more: Any) -> None:
    """In the new process: the function's result, or its error in words."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        _tell(connection, "", function(*args, **more))
    except ReidError as error:
        _tell(connection, str(error), None)
    except BaseException as error:
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({where.filename.split('/')[-1]}:{where.lineno})"
        _tell(connection, told, None)
    finally:
        connection.close()


def _tell(connection: Connection, error: str, result: Any) -> None:
    with suppress(BrokenPipeError):  # nobody listens any more; the record is written all the same
        connection.send((error, result))


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}; out of memory?"
    return f"exit code {code}"
