"""Say whether this computer is ready for the notebooks: python preflight.py [--quick] [--json]

It needs nothing installed and no network, and changes nothing. Each line is OK, HINT (it works, but) or
FAIL; below a HINT or FAIL stands what to type. The exit code is 0 when nothing fails, 1 when something
does, 2 when the command was mistyped. The source keeps to Python 3.6, so that an old Python can say that
it is too old.
"""

import argparse
import ast
import hashlib
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

HERE = Path(os.path.abspath(__file__)).parent
OK, HINT, FAIL = "OK", "HINT", "FAIL"
OLDEST, NEWEST = (3, 11), (3, 13)
GB = 10**9
MEMORY = 2 * GB  # what the hungriest chapter and JupyterLab take together
DISK_NVIDIA, DISK_SMALL = 7 * GB, 2 * GB  # everything, with and without the libraries for NVIDIA cards
DISK_REST, DISK_WORK = 1.5 * GB, 0.5 * GB  # everything but torch; what the notebooks write
PATIENCE = 180  # seconds; a virus scanner can make the first import of torch take a minute
WIDTH, SUMMARY_WIDTH, SUMMARY_LINES = 100, 80, 24
NOTEBOOKS_BLOCK = "# --- run the notebooks ---"
INSTALLATION_PAGE = "https://pytorch.org/get-started/locally/"
DATA_FOLDERS = ("notebooks/data/MNIST/raw", "data/MNIST/raw")
DATA_FILES = (  # name, bytes, md5: the original files, as torchvision knows them
    ("train-images-idx3-ubyte.gz", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    ("train-labels-idx1-ubyte.gz", 28881, "d53e105ee54ea40749a09fcbcd1e9432"),
    ("t10k-images-idx3-ubyte.gz", 1648877, "9fb629c4189551a2d022fa330f9573f3"),
    ("t10k-labels-idx1-ubyte.gz", 4542, "ec29112dd5afa0611ce80d1b7f02629c"),
)
PLAIN = str.maketrans({"✓": "+", "✗": "x", "→": ">", "·": "|", "…": "..."})

# Each child prints a JSON object a line as it gets on, so what it knew before a crash or a hang is kept.
ASK_TORCH = """
import json, sys, time
def say(**facts):
    print(json.dumps(facts), flush=True)
import torch
say(torch=torch.__version__)
try:
    import torchvision
    torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    say(torchvision=torchvision.__version__)
except Exception as error:
    say(torchvision_problem=str(error).strip() or repr(error))
there = torch.accelerator.is_available()
device = torch.accelerator.current_accelerator() if there else torch.device("cpu")
say(device=str(device), card=torch.cuda.get_device_name() if device.type == "cuda" else "")
say(total=torch.ones(1000, device=device).sum().item())
if "train" in sys.argv:
    torch.manual_seed(0)
    images = torch.randn(256, 1, 8, 8)
    labels = images.view(256, 4, 16).sum(dim=2).argmax(dim=1)  # which pair of rows is the brightest
    start = time.perf_counter()
    images, labels = images.to(device), labels.to(device)
    layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 4)
    network = torch.nn.Sequential(*layers).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    say(first_loss=losses[0], last_loss=losses[-1], seconds=time.perf_counter() - start)
"""
ASK_JUPYTER = """
import json, sys
def say(**facts):
    print(json.dumps(facts), flush=True)
from jupyter_client.kernelspec import KernelSpecManager
say(program=KernelSpecManager().get_kernel_spec("python3").argv[0])
if "start" in sys.argv:
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        wanted = {"answer": "1 + 1", "home": "sys.prefix"}
        content = client.execute("import sys", user_expressions=wanted, reply=True, timeout=60)["content"]
        say(**{name: value["data"]["text/plain"] for name, value in content["user_expressions"].items()})
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
"""


class Result(NamedTuple):
    """What one check found: a line, and for a HINT or FAIL the repair and what to type for it."""

    status: str
    name: str
    text: str
    advice: str = ""
    commands: Tuple[str, ...] = ()
    value: Any = None  # what was measured, for --json


class Package(NamedTuple):
    """A package of requirements.txt: the range it must lie in, the versions tested, the one installed."""

    name: str
    rule: str
    tested: Tuple[str, ...]
    installed: str

    @property
    def state(self) -> str:
        """One of missing, unfit (outside the range), untested (within it), tested."""
        if not self.installed:
            return "missing"
        if not fits(self.installed, self.rule):
            return "unfit"
        same = not self.tested or any(fits(self.installed, "==" + version) for version in self.tested)
        return "tested" if same else "untested"


class Answer(NamedTuple):
    """What a child process said: its facts, all its text, and in one line what went wrong, if anything."""

    facts: Dict[str, Any]
    text: str
    problem: str


# --- what to type on this system ---


def quoted(word: str) -> str:
    """Return a word as this system's shell wants it."""
    if os.name != "nt":
        return shlex.quote(word)
    if "MSYSTEM" in os.environ:  # Git Bash
        return shlex.quote(word.replace("\\", "/"))
    return '"{}"'.format(word) if re.search(r"[\s&()^;,'%]", word) else word


def typed(path: Path) -> str:
    """Return a path as it is typed here: short where it lies in the current folder, and quoted."""
    short = os.path.relpath(str(path)) if Path.cwd() in path.parents else str(path)
    return quoted(short)


def command(python: str, *words: str) -> str:
    """Return a command line that starts a Python; Windows PowerShell wants `&` before a quoted program."""
    powershell = os.name == "nt" and "PROMPT" not in os.environ and "MSYSTEM" not in os.environ
    return " ".join(("& " if powershell and python.startswith('"') else "", python) + words).strip()


def in_environment() -> bool:
    """Say whether this Python is that of a virtual or a conda environment."""
    return sys.prefix != sys.base_prefix or Path(sys.prefix, "conda-meta").is_dir()


def own_python(folder: Path) -> Path:
    """Return the Python of the folder's .venv, whether it exists or not."""
    return folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def working_python(folder: Path) -> str:
    """Return, as typed, the Python to install into: this one if in an environment, else that of .venv."""
    return typed(Path(sys.executable) if in_environment() else own_python(folder))


def again(folder: Path) -> str:
    """Return the command that runs this check once more."""
    return command(working_python(folder), typed(folder / "preflight.py"))


def install_command(folder: Path) -> str:
    """Return the command that installs what is missing, from the folder `wheels` if there is one."""
    wheels = folder / "wheels"
    offline = ("--no-index", "--find-links", typed(wheels)) if wheels.is_dir() else ()
    files = ("-r", typed(folder / "requirements.txt"), "-c", typed(folder / "constraints.txt"))
    return command(working_python(folder), "-m", "pip", "install", *(offline + files))


def suitable_python() -> str:
    """Return how to call another Python of this computer that suits the book, or an empty string."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        words = ["py", "-3.%d" % minor] if os.name == "nt" else ["python3.%d" % minor]
        if shutil.which(words[0]) and not ask(words + ["--version"], HERE, patience=20).problem:
            return " ".join(words)
    return ""


def ask(words: List[str], folder: Path, patience: float = PATIENCE) -> Answer:
    """Run a program in its own process, so that a crash or a hang there does no harm here."""
    variables = dict(os.environ, PYTHONIOENCODING="utf-8")
    options = {"cwd": str(folder), "env": variables, "stdin": subprocess.DEVNULL}  # type: Dict[str, Any]
    try:
        child = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=patience, check=False, **options
        )
    except subprocess.TimeoutExpired as late:
        printed, problem = late.stdout, "no answer within {:g} seconds".format(patience)
    except OSError as error:
        printed, problem = b"", str(error)
    else:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        last = "{} (exit code {})".format(lines[-1], child.returncode)
        printed, problem = child.stdout, last if child.returncode else ""
    text = (printed or b"").decode("utf-8", "replace").strip()
    facts = {}  # type: Dict[str, Any]
    for line in text.splitlines():
        if line.startswith("{") and line.endswith("}"):
            facts.update(json.loads(line))
    return Answer(facts, text, problem)


# --- the checks, in the order in which they are printed ---


def check_python() -> Result:
    """Look at the version of this Python and at its width."""
    bits = 64 if sys.maxsize > 2**32 else 32
    text = "{}, {} bit".format(platform.python_version(), bits)
    version = tuple(sys.version_info[:2])
    if version < OLDEST or bits == 32:
        other = suitable_python()
        needed = "Python 3.11 to 3.13, 64 bit, is needed"
        if other:
            return Result(FAIL, "Python", text, needed + ". You have one:", (other + " preflight.py",), text)
        return Result(FAIL, "Python", text, needed + ": get it from https://www.python.org/downloads/", (), text)
    if version > NEWEST:
        advice = "The book was tested with Python 3.11 to 3.13. If something fails, take one of these."
        return Result(HINT, "Python", text, advice, (), text)
    return Result(OK, "Python", text, value=text)


def check_environment(folder: Path) -> Result:
    """Look whether this Python is that of a virtual environment."""
    if in_environment():
        return Result(OK, "environment", sys.prefix, value=sys.prefix)
    text = "this Python is not in a virtual environment"
    if own_python(folder).exists():
        return Result(HINT, "environment", text, "Use the one in .venv:", (again(folder),))
    advice = "Make one, so that the book's packages disturb nothing else; then check again with its Python:"
    if importlib.util.find_spec("ensurepip") is None:
        advice = "First: sudo apt install python3-venv (or what your system calls it). " + advice
    make = command(typed(Path(sys.executable)), "-m", "venv", typed(folder / ".venv"))
    return Result(HINT, "environment", text, advice, (make, again(folder)))


def disk_needed(folder: Path, packages: List[Package]) -> float:
    """Return how many bytes the packages that are still missing will take, and the notebooks' own files."""
    missing = [package.name for package in packages if package.state == "missing"]
    if not missing:
        return DISK_WORK
    if "torch" not in missing:
        return DISK_REST
    offline_small = (folder / "wheels").is_dir() and not list((folder / "wheels").glob("nvidia*"))
    return DISK_NVIDIA if sys.platform.startswith("linux") and not offline_small else DISK_SMALL


def check_disk(folder: Path, needed: float) -> Result:
    """Look whether the disk that the packages are on has room for what is still to be installed."""
    place = Path(sys.prefix) if in_environment() else folder
    free = shutil.disk_usage(str(place)).free
    text = "{:.1f} GB free, {:g} GB needed".format(free / GB, needed / GB)
    if free >= needed:
        return Result(OK, "disk", text, value=round(free / GB, 1))
    advice = "Delete or move away {:.1f} GB on the disk that holds {}".format((needed - free) / GB, place)
    if needed == DISK_NVIDIA:
        advice += ", or install the small CPU build, 2 GB: see “The small CPU build” in book/setup.md"
    return Result(FAIL, "disk", text, advice + ".", (), round(free / GB, 1))


def linux_memory(root: str = "/") -> Tuple[int, str]:
    """Return the free bytes and their source: /proc/meminfo, or what a container or service may still take."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path(root, "proc/meminfo").read_text(), re.MULTILINE)
    if not found:
        raise ValueError("/proc/meminfo has no line MemAvailable")
    free, source = 1024 * int(found.group(1)), "/proc/meminfo"
    groups = Path(root, "proc/self/cgroup")
    for line in groups.read_text().splitlines() if groups.exists() else ():
        _, kinds, group = line.split(":", 2)
        if kinds == "":
            top, names = Path(root, "sys/fs/cgroup"), ("memory.max", "memory.current", "inactive_file")
        elif "memory" in kinds.split(","):
            top = Path(root, "sys/fs/cgroup/memory")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        inner = top / group.strip("/")
        for place in [inner, *inner.parents]:  # each folder on the way up may set a limit
            if place != top and top not in place.parents or not (place / names[0]).exists():
                continue
            limit = (place / names[0]).read_text().strip()
            if limit == "max":
                continue
            cache = re.search(r"^%s (\d+)" % names[2], (place / "memory.stat").read_text(), re.MULTILINE)
            used = int((place / names[1]).read_text()) - (int(cache.group(1)) if cache else 0)
            if int(limit) - used < free:
                free, source = int(limit) - used, "cgroup limit"
    return free, source


def mac_memory() -> Tuple[int, str]:
    """Return the free bytes: the memory times the percentage that the kernel calls free."""
    answer = ask(["sysctl", "-n", "hw.memsize", "kern.memorystatus_level"], HERE, patience=20)
    if answer.problem:
        raise ValueError(answer.problem)
    size, percent = answer.text.split()
    return int(size) * int(percent) // 100, "sysctl"


def windows_memory() -> Tuple[int, str]:
    """Return the free bytes, as Windows tells them."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong) for name in ("total", "free", "c", "d", "e", "f", "g")
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("GlobalMemoryStatusEx failed")
    return status.free, "GlobalMemoryStatusEx"


def check_memory() -> Result:
    """Look whether enough memory is free."""
    readers = {"Linux": linux_memory, "Darwin": mac_memory, "Windows": windows_memory}
    try:
        free, source = readers[platform.system()]()
    except (KeyError, OSError, ValueError) as error:
        advice = "Make sure that {:g} GB are free before you begin.".format(MEMORY / GB)
        return Result(HINT, "memory", "could not be read: {}".format(error), advice)
    text = "{:.1f} GB free, {:g} GB needed (read from {})".format(free / GB, MEMORY / GB, source)
    if free >= MEMORY:
        return Result(OK, "memory", text, value=round(free / GB, 1))
    advice = "Close other programs and the tabs of the browser, and check again."
    if source == "cgroup limit":
        advice = "This session may take no more: close other notebooks, or ask who runs it for more memory."
    return Result(FAIL, "memory", text, advice, (), round(free / GB, 1))


def release(version: str) -> Tuple[List[int], bool]:
    """Return what versions are ordered by; 2.0rc1 comes before 2.0, and 2.14.1+cu130 equals 2.14.1."""
    found = re.match(r"(\d+(?:\.\d+)*)(.*)", version.partition("+")[0])
    if not found:
        raise ValueError("not a version: {!r}".format(version))
    numbers = [int(number) for number in found.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, not re.match(r"[.-]?(a|b|rc|dev)", found.group(2))


def fits(version: str, rule: str) -> bool:
    """Say whether a version lies in a range such as >=1.0.4,<2."""
    ours = release(version)
    for part in filter(None, rule.replace(" ", "").split(",")):
        sign, limit = re.match(r"([<>=!~]+)(.*)", part).groups()
        theirs = release(limit)
        passed = {
            ">=": ours >= theirs, "<=": ours <= theirs, ">": ours > theirs, "<": ours < theirs,
            "==": ours == theirs, "!=": ours != theirs,
        }  # fmt: skip
        if sign not in passed:
            raise ValueError("this check does not know the sign {!r} in {!r}".format(sign, rule))
        if not passed[sign]:
            return False
    return True


def requirement_lines(path: Path) -> List[Tuple[str, str]]:
    """Return (name, range) for each line; of requirements.txt only the block that the notebooks need."""
    text = path.read_text(encoding="utf-8")
    if NOTEBOOKS_BLOCK in text:
        text = text.partition(NOTEBOOKS_BLOCK)[2].partition("# ---")[0]
    found = []
    for line in text.splitlines():
        plain = line.partition("#")[0].partition(";")[0].strip()
        parts = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*(.*)", plain)
        if parts:
            found.append((parts.group(1).lower().replace("_", "-"), parts.group(2)))
    return found


def find_packages(folder: Path) -> List[Package]:
    """Return what requirements.txt asks for and what is installed of it."""
    from importlib import metadata  # Python 3.8 brought it

    tested = {}  # type: Dict[str, Tuple[str, ...]]
    if (folder / "constraints.txt").exists():
        for name, rule in requirement_lines(folder / "constraints.txt"):  # some names have two: for older Pythons
            tested[name] = tested.get(name, ()) + (rule[2:],)
    found = []
    for name, rule in requirement_lines(folder / "requirements.txt"):
        try:
            installed = metadata.version(name) or ""
        except metadata.PackageNotFoundError:
            installed = ""
        found.append(Package(name, rule, tested.get(name, ()), installed))
    return found


def check_packages(folder: Path, packages: List[Package]) -> Result:
    """Look whether each package is there, in a version that suits."""
    if not packages:
        advice = "Copy the whole folder of the book again: it brings the list of packages along."
        return Result(FAIL, "packages", "requirements.txt is not beside preflight.py, or empty", advice)
    missing = [package.name for package in packages if package.state == "missing"]
    unfit = ["{0.name} {0.installed} (needed {0.rule})".format(p) for p in packages if p.state == "unfit"]
    if missing or unfit:
        texts = ["{} of {} missing: {}".format(len(missing), len(packages), ", ".join(missing))] if missing else []
        texts += ["wrong version: " + ", ".join(unfit)] if unfit else []
        if "torch" in missing and (platform.system(), platform.machine()) == ("Darwin", "x86_64"):
            advice = "PyTorch is no longer made for Intel Macs: use Colab (book/setup.md). On an Apple processor this "
            advice += "Python is the wrong build: get the universal one from https://www.python.org/downloads/"
            return Result(FAIL, "packages", "; ".join(texts), advice)
        commands = (install_command(folder),)
        if importlib.util.find_spec("pip") is None and in_environment():
            commands = (command(working_python(folder), "-m", "ensurepip"),) + commands
        return Result(FAIL, "packages", "; ".join(texts), "Install what the notebooks need:", commands)
    untested = ["{} {} ({})".format(p.name, p.installed, p.tested[0]) for p in packages if p.state == "untested"]
    if untested:
        text = "all {} fit; not the version tested (in brackets): {}".format(len(packages), ", ".join(untested))
        advice = "Nothing needs to be done. To have the tested versions all the same:"
        return Result(HINT, "packages", text, advice, (install_command(folder),))
    return Result(OK, "packages", "all {} installed, in the versions tested".format(len(packages)))


def check_torch(folder: Path, answer: Answer) -> Result:
    """Look whether torch starts, and torchvision with it."""
    install = "Install the pair that belongs together:"
    version = answer.facts.get("torch")
    if not version:
        repair = command(working_python(folder), "-m", "pip", "uninstall", "-y", "torch", "torchvision")
        advice = "Take torch off and install it again (on Windows it also needs Microsoft's VC++ redistributable):"
        return Result(FAIL, "torch", "does not start: " + answer.problem, advice, (repair, install_command(folder)))
    if "torchvision" not in answer.facts:
        problem = answer.facts.get("torchvision_problem", answer.problem).splitlines()[0]
        text = "{}, but torchvision does not work with it: {}".format(version, problem)
        repair = command(working_python(folder), "-m", "pip", "uninstall", "-y", "torch", "torchvision")
        return Result(FAIL, "torch", text, install, (repair, install_command(folder)), version)
    from importlib import metadata

    for line in metadata.requires("torchvision") or ():
        rule = re.match(r"torch\s*\(?([^);]*)", line)
        if rule and re.match(r"torch\b(?!vision)", line) and not fits(version, rule.group(1)):
            text = "{}, but torchvision {} wants torch{}".format(version, answer.facts["torchvision"], rule.group(1))
            return Result(FAIL, "torch", text, install, (install_command(folder),), version)
    return Result(OK, "torch", "{} · torchvision {}".format(version, answer.facts["torchvision"]), value=version)


def check_device(answer: Answer) -> Result:
    """Look which device torch uses, and whether it can add up a thousand ones."""
    device, card = answer.facts.get("device"), answer.facts.get("card")
    if not device or answer.facts.get("total") != 1000:
        advice = "Update the driver of the graphics card. Until then, let torch use the CPU; type this, then check again:"
        name = "CUDA_VISIBLE_DEVICES"
        hide = ("set {}=-1" if "PROMPT" in os.environ else '$env:{} = "-1"') if os.name == "nt" else "export {}=-1"
        text = "{} does not work: {}".format(device or "unknown", answer.problem or "a wrong sum")
        return Result(FAIL, "device", text, advice, (hide.format(name),), device)
    if device == "cpu" and shutil.which("nvidia-smi"):
        text = "cpu, although there seems to be an NVIDIA card"
        advice = "Every chapter runs on the CPU too. For the card, update its driver or see " + INSTALLATION_PAGE
        return Result(HINT, "device", text, advice, (), device)
    return Result(OK, "device", "{} ({})".format(device, card) if card else device, value=device)


def check_training(answer: Answer) -> Result:
    """Look whether a tiny network learned."""
    facts = answer.facts
    if "seconds" not in facts:
        advice = "Restart the computer and check again. If this stays, show these lines to your teacher."
        return Result(FAIL, "training", "broke off: " + (answer.problem or "no result"), advice)
    text = "loss {first_loss:.2f} → {last_loss:.2f} in {seconds:.1f} s".format(**facts)
    if not facts["last_loss"] < facts["first_loss"] / 2:
        advice = "The network did not learn: the device computes wrongly. Update its driver and check again."
        return Result(FAIL, "training", text, advice, (), facts["seconds"])
    return Result(OK, "training", text, value=round(facts["seconds"], 2))


def data_repair(folder: Path, names: List[str]) -> Tuple[str, Tuple[str, ...]]:
    """Return advice and command for data files that are missing or damaged."""
    if (folder / ".git").exists() and shutil.which("git"):
        return "Fetch them anew from your copy of the repository:", (
            " ".join(["git", "-C", quoted(str(folder)), "checkout", "--", "notebooks/data"]),
        )
    place = typed(next((folder / name for name in DATA_FOLDERS if (folder / name).is_dir()), folder / DATA_FOLDERS[0]))
    return "Copy {} from the book's archive into {} again.".format(", ".join(names), place), ()


def check_data(folder: Path) -> Result:
    """Look whether the four packed files of MNIST are there and whole."""
    raw = next((folder / name for name in DATA_FOLDERS if (folder / name).is_dir()), None)
    problems = {}
    for name, size, md5 in DATA_FILES:
        path = raw / name if raw else None
        if path is None or not path.is_file():
            problems[name] = "missing"
        elif path.stat().st_size != size:
            problems[name] = "{} of {} bytes".format(path.stat().st_size, size)
        else:
            options = {"usedforsecurity": False} if sys.version_info >= (3, 9) else {}
            if hashlib.md5(path.read_bytes(), **options).hexdigest() != md5:
                problems[name] = "damaged"
    if problems:
        text = "; ".join("{}: {}".format(name, problem) for name, problem in problems.items())
        advice, commands = data_repair(folder, list(problems))
        return Result(FAIL, "data", text, advice, commands)
    return Result(OK, "data", "the four files of MNIST are whole")


def same_place(one: str, other: str) -> bool:
    """Say whether two paths name the same folder."""
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def check_jupyter(folder: Path, version: Answer, answer: Answer, quick: bool) -> Result:
    """Look whether JupyterLab starts and its kernel is this Python."""
    python = working_python(folder)
    if version.problem:
        repair = install_command(folder) + " --force-reinstall --no-deps"
        advice = "Install it again:"
        return Result(FAIL, "Jupyter", "JupyterLab does not start: " + version.problem, advice, (repair,))
    text = "JupyterLab {}".format(version.text.splitlines()[-1])
    kernel = (command(python, "-m", "ipykernel", "install", "--sys-prefix"),)
    program = answer.facts.get("program", "")
    # A bare name is replaced by the Python that runs Jupyter; a path is not.
    here = re.match(r"python[\d.]*(\.exe)?$", program) or same_place(
        os.path.dirname(program), os.path.dirname(sys.executable)
    )
    if program and not here or "home" in answer.facts and not same_place(ast.literal_eval(answer.facts["home"]), sys.prefix):
        text = "{}, but its kernel is another Python: {}".format(text, program)
        return Result(FAIL, "Jupyter", text, "Let the kernel be the Python that you check:", kernel)
    if not program or not quick and answer.facts.get("answer") != "2":
        text = "{}, but its kernel does not answer: {}".format(text, answer.problem or answer.text)
        advice = "A firewall or VPN may stop programs of this computer from talking to each other. Else type:"
        return Result(FAIL, "Jupyter", text, advice, kernel)
    return Result(OK, "Jupyter", text + (", kernel not tried" if quick else ", its kernel answers"))


def check_writing(folder: Path) -> Result:
    """Look whether notebooks can be saved here."""
    for place in (folder, folder / "notebooks"):
        try:
            with tempfile.TemporaryFile(dir=str(place)) as file:
                file.write(b"written")
        except FileNotFoundError:
            continue  # no folder notebooks
        except OSError as error:
            advice = "Copy the whole folder to your own files, and start from there."
            return Result(FAIL, "writing", "nothing can be saved in {}: {}".format(place, error.strerror), advice)
    return Result(OK, "writing", "notebooks can be saved in {}".format(folder))


def check_folder(folder: Path) -> Result:
    """Look whether the folder's place and name are free of what troubles some programs."""
    path = str(folder)
    synced = re.search(r"onedrive|dropbox|google ?drive|mobile documents", path, re.IGNORECASE)
    odd = sorted(set(re.sub(r"[\w .,()/\\:~+@=-]" if os.name == "nt" else r"[\w .,()/~+@=-]", "", path)))
    odd += sorted({letter for letter in path if ord(letter) > 127 and letter not in odd})
    if synced:
        text = "lies in {}, which may lock files or take them off the disk".format(synced.group())
    elif odd:
        text = "its name has signs that trouble some programs: " + " ".join(odd)
    elif os.name == "nt" and len(path) > 100:
        text = "its name has {} letters; Windows allows 260, and the packages need 150".format(len(path))
    elif path.startswith("\\\\"):
        text = "lies on another computer"
    else:
        return Result(OK, "folder", "an ordinary name and place")
    home = "C:\\pytorch-book" if os.name == "nt" else str(Path.home() / "pytorch-book")
    return Result(HINT, "folder", text, "If something fails, move the book to {}.".format(home))


def run_checks(folder: Path, quick: bool, packages: List[Package]) -> Iterator[Result]:
    """Yield what each check finds; what cannot be tried yet is left out. `packages` is filled on the way."""
    python = check_python()
    yield python
    if python.status != FAIL:
        yield check_environment(folder)
        if (folder / "requirements.txt").exists():
            packages.extend(find_packages(folder))
    yield check_disk(folder, disk_needed(folder, packages) if python.status != FAIL else DISK_SMALL)
    yield check_memory()
    if python.status != FAIL:
        yield check_packages(folder, packages)
        ready = {package.name for package in packages if package.state in ("tested", "untested")}
        if {"torch", "torchvision"} <= ready:
            answer = ask([sys.executable, "-c", ASK_TORCH] + ([] if quick else ["train"]), folder)
            torch = check_torch(folder, answer)
            yield torch
            if torch.value:
                device = check_device(answer)
                yield device
                if not quick and device.status != FAIL:
                    yield check_training(answer)
        if {"jupyterlab", "ipykernel"} <= ready:
            version = ask([sys.executable, "-m", "jupyterlab", "--version"], folder)
            answer = ask([sys.executable, "-c", ASK_JUPYTER] + ([] if quick else ["start"]), folder)
            yield check_jupyter(folder, version, answer, quick)
    yield check_data(folder)
    yield check_writing(folder)
    yield check_folder(folder)


# --- what is printed ---


def wrapped(text: str, first: str, rest: str, width: int = WIDTH) -> List[str]:
    """Break a text into lines; a long word, such as a path, stays whole."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def lines_of(result: Result) -> List[str]:
    """Return the lines that show a result. What is to be typed is never broken, whatever its length."""
    lines = wrapped(result.text, "{:<5} {:<12} ".format(result.status, result.name), " " * 19)
    if result.advice:
        lines += wrapped(result.advice, "      > ", "        ")
    return lines + ["          " + line for line in result.commands]


def summary(results: List[Result]) -> List[str]:
    """Return the screen that a learner shows the teacher: at most 24 lines of 80 columns."""
    failed = [result for result in results if result.status == FAIL]
    hinted = [result.name for result in results if result.status == HINT]
    said = {result.name: result.text for result in results}
    verdict = "✗ NOT READY" if failed else "✓ READY"
    rows = [("computer", computer()), ("Python", said["Python"])]
    rows += [(name, said.get(name, "not tried")) for name in ("torch", "device", "training", "Jupyter")]
    rows += [("missing", "{}: {}".format(result.name, result.text)) for result in failed]
    rows += [] if failed else [("missing", "nothing")]
    rows += [("hints", ", ".join(hinted))] if hinted else []
    lines = ["-" * SUMMARY_WIDTH, " {:<56}{:>22}".format(verdict, time.strftime("%Y-%m-%d %H:%M"))]
    lines += ["   {:<9} {}".format(*row) for row in rows]
    lines = [line if len(line) <= SUMMARY_WIDTH else line[: SUMMARY_WIDTH - 3] + "..." for line in lines]
    end = ["   Repair the first FAIL above, then run this again."] if failed else []
    return lines[: SUMMARY_LINES - 2] + end + ["-" * SUMMARY_WIDTH]


def computer() -> str:
    """Return the name of this machine and its system."""
    return "{} · {} {} {}".format(platform.node(), platform.system(), platform.release(), platform.machine())


def as_json(results: List[Result], packages: List[Package]) -> str:
    """Return everything as JSON, for a teacher who collects it."""
    values = {result.name: result.value for result in results}
    facts = {
        "ready": all(result.status != FAIL for result in results),
        "date": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "computer": computer(),
        "python": values.get("Python"),
        "torch": values.get("torch"),
        "device": values.get("device"),
        "training_seconds": values.get("training"),
        "disk_gb": values.get("disk"),
        "memory_gb": values.get("memory"),
        "missing": [result.name for result in results if result.status == FAIL],
        "checks": [dict(result._asdict(), commands=list(result.commands)) for result in results],
        "packages": [dict(package._asdict(), state=package.state) for package in packages],
    }  # type: Dict[str, Any]
    return json.dumps(facts, indent=1)


def show(line: str) -> None:
    """Print a line; a console that lacks its signs gets plain ones."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        line = line.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    print(line, flush=True)


def main(arguments: Optional[List[str]] = None, folder: Path = HERE) -> int:
    """Run the checks, print what they find, and return the exit code."""
    parser = argparse.ArgumentParser(description="Say whether this computer is ready for the notebooks.")
    parser.add_argument("--quick", action="store_true", help="train no network and start no kernel")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    chosen = parser.parse_args(arguments)
    packages, results = [], []  # type: List[Package], List[Result]
    for result in run_checks(folder, chosen.quick, packages):
        results.append(result)
        for line in [] if chosen.json else lines_of(result):
            show(line)
    for line in [as_json(results, packages)] if chosen.json else summary(results):
        show(line)
    return int(any(result.status == FAIL for result in results))


if __name__ == "__main__":
    sys.exit(main())
