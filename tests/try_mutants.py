"""Try mutants in a kernel in which a chapter has run.

A mutant may do what no learner does: loop for ever, fill the memory, change the chapter's tensors in place. So each
runs in a copy of the kernel's process, which ends with it; its names, random states and tensors are those before. That
needs `os.fork`, so Linux; on macOS a copy of a process that has used its system's libraries may crash.
"""

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from IPython import get_ipython

from run_cells import CellRunner, put_back

SECONDS = 10  # a mutant may take so much longer than the solution,
TIMES = 5  # and so many times as long as it
SECONDS_AN_EXERCISE = 3000
BYTES = 3 * 2**30  # a loop without an end may take so much more memory than the chapter


def limit_memory() -> None:
    """Let this process take BYTES more memory than it has, then raise an error."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def received(pipe: int, seconds: float) -> bytes | None:
    """Return what comes through a pipe until its other end closes, None if that takes too long."""
    parts, end = [], time.monotonic() + seconds
    while select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(pipe, 2**16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def apart(function: Callable[[], Any], seconds: float) -> Any:
    """Return what a function returns (JSON's types) that runs in a copy of this process.

    Returns None if it takes longer than `seconds`: it is killed then, with all that it started. Raises RuntimeError if
    the process dies.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()  # so that what it starts can be killed with it
            os.close(reading)
            torch.set_num_threads(1)  # the threads that shared the work are not in the copy
            with os.fdopen(writing, "w", encoding="utf8") as pipe:
                json.dump(function(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        answer = received(reading, seconds)
    finally:
        os.close(reading)
        kill_session(child)
    if answer == b"":
        raise RuntimeError("The process died.")
    return None if answer is None else json.loads(answer)


def kill_session(leader: int) -> None:
    """Kill a process and what it has started, and wait for its end."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:  # it had not yet begun a session of its own, or has ended with all of it
        os.kill(leader, signal.SIGKILL)
    os.waitpid(leader, 0)


def try_answer(runner: CellRunner, answer: str, check: str) -> dict[str, str]:
    """Run an answer and its check; return in which cell it ended, with what kind of error, and its message."""
    limit_memory()
    for cell, source in (("answer", answer), ("check", check)):
        error, _ = runner.run(source)
        if error is not None:
            return {"cell": cell, "error": type(error).__name__, "message": str(error)}
    return {"cell": "", "error": "", "message": ""}


def try_bounded(runner: CellRunner, answer: str, check: str, seconds: float) -> dict[str, str]:
    """Return how an answer ends, also where it takes too long or its process dies."""
    try:
        ending = apart(lambda: try_answer(runner, answer, check), seconds)
    except RuntimeError as error:
        return {"cell": "answer", "error": "died", "message": str(error)}
    return ending or {"cell": "answer", "error": "time", "message": f"not ended after {seconds:.0f} s"}


def try_exercise(runner: CellRunner, task: dict[str, Any]) -> dict[str, Any]:
    """Try the solution and every mutant of an exercise; return how each mutant ended.

    `failure` says whether the cells before or the solution fail: then no mutant says anything.
    """
    for cell in task["before"]:
        error, _ = runner.run(cell["source"])
        if error is not None and not cell["may_raise"]:
            return {"failure": f"a cell before the answer fails: {error}"}
    started = time.perf_counter()
    solution = try_bounded(runner, task["solution"], task["check"], SECONDS_AN_EXERCISE)
    if solution["error"]:
        return {"failure": f"the check rejects the solution: {solution}"}
    seconds = time.perf_counter() - started
    limit = SECONDS + TIMES * seconds
    endings = [try_bounded(runner, mutant, task["check"], limit) for mutant in task["mutants"]]
    return {"failure": None, "seconds": seconds, "endings": endings}


def try_all(tasks_file: str, endings_file: str) -> None:
    """Try the mutants of each task in the kernel that calls this; write how they ended.

    Both are JSON files in the current folder. A task is an exercise: the cells `before` (as in a session of
    run_chapter.py), its `check`, its `solution` and the sources of its `mutants`. For each, the second file holds what
    try_exercise returns.
    """
    shell = get_ipython()
    runner = CellRunner(Path.cwd(), shell)
    put_back(shell, shell.names_before_exercises, shell.random_before_exercises)
    results = []
    for task in json.loads(Path(tasks_file).read_text("utf8")):
        result = apart(lambda task=task: try_exercise(runner, task), SECONDS_AN_EXERCISE)
        results.append(result or {"failure": f"not ended after {SECONDS_AN_EXERCISE} s"})
    Path(endings_file).write_text(json.dumps(results), "utf8")
