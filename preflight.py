"""Say whether this computer is ready for the notebooks.

    python preflight.py [--quick] [--json]

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
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

HERE = Path(__file__).resolve().parent
OK, HINT, FAIL = "OK", "HINT", "FAIL"
OLDEST, NEWEST = (3, 11), (3, 13)
PYTHONS = f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]}"
GB = 10**9
MEMORY = 2 * GB  # free: room for a notebook, JupyterLab and the browser
DISK_NVIDIA, DISK_SMALL = 7 * GB, 2 * GB  # everything, with and without the libraries for NVIDIA cards
DISK_REST, DISK_WORK = 1.5 * GB, 0.5 * GB  # everything but torch; what the notebooks write
WINDOWS, LINUX = os.name == "nt", sys.platform.startswith("linux")
PATIENCE = 180  # seconds; a virus scanner can make the first import of torch take a minute
WIDTH, SUMMARY_WIDTH = 100, 80
NOTEBOOKS_BLOCK = "# --- run the notebooks ---"
INSTALLATION_PAGE = "https://pytorch.org/get-started/locally/"
DATA_FOLDERS = ("notebooks/data/MNIST/raw", "data/MNIST/raw")
DATA_FILES = (  # name, bytes, md5: the original files, as torchvision knows them
    ("train-images-idx3-ubyte.gz", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    ("train-labels-idx1-ubyte.gz", 28881, "d53e105ee54ea40749a09fcbcd1e9432"),
    ("t10k-images-idx3-ubyte.gz", 1648877, "9fb629c4189551a2d022fa330f9573f3"),
    ("t10k-labels-idx1-ubyte.gz", 4542, "ec29112dd5afa0611ce80d1b7f02629c"),
)
SIGNS = {">=": ge, "<=": le, ">": gt, "<": lt, "==": eq, "!=": ne}
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
    torch.set_num_threads(1)  # in a network so tiny, threads only wait for each other
    images = torch.randn(256, 1, 8, 8)
    labels = images.view(256, 4, 16).sum(dim=2).argmax(dim=1)  # which pair of rows is the brightest
    images, labels = images.to(device), labels.to(device)
    layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 4)
    network = torch.nn.Sequential(*layers).to(device)
    losses, start = [], time.perf_counter()
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for weights in network.parameters():  # by hand: to import an optimizer takes seconds
                weights -= 0.2 * weights.grad
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
    """Return a word as the shell of this system wants it; the shell on Windows may be that of Git."""
    if not WINDOWS or "MSYSTEM" in os.environ:
        return shlex.quote(word)
    return f'"{word}"' if re.search(r"[\s&()^;,'%]", word) else word


def typed(path: Path) -> str:
    """Return a path as it is typed here: short where it lies in the current folder, and quoted."""
    return quoted(os.path.relpath(str(path)) if Path.cwd() in path.parents else str(path))


def command(python: str, *words: str) -> str:
    """Return a command line that starts a Python; Windows PowerShell wants `&` before a quoted program."""
    return " ".join([f"& {python}" if python.startswith('"') and "PROMPT" not in os.environ else python, *words])


def in_environment() -> bool:
    """Say whether this Python is that of a virtual or a conda environment."""
    return sys.prefix != sys.base_prefix or Path(sys.prefix, "conda-meta").is_dir()


def own_python(folder: Path) -> Path:
    """Return the Python of the folder's .venv, whether it exists or not."""
    return folder / ".venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")


def working_python(folder: Path) -> str:
    """Return, as typed, the Python to install into: this one if in an environment, else that of .venv."""
    return typed(Path(sys.executable) if in_environment() else own_python(folder))


def wheels_in(folder: Path) -> List[str]:
    """Return the names of the packages that lie in the folder `wheels`, to be installed without a network."""
    return [path.name for path in (folder / "wheels").glob("*.whl")]


def install_command(folder: Path) -> str:
    """Return the command that installs what is missing, from the folder `wheels` if it holds any."""
    offline = ["--no-index", "--find-links", typed(folder / "wheels")] if wheels_in(folder) else []
    files = ["-r", typed(folder / "requirements.txt"), "-c", typed(folder / "constraints.txt")]
    return command(working_python(folder), "-m", "pip", "install", *offline, *files)


def reinstall_commands(folder: Path) -> Tuple[str, str]:
    """Return the commands that take torch and torchvision off and install the pair that belongs together."""
    return command(working_python(folder), "-m pip uninstall -y torch torchvision"), install_command(folder)


def suitable_python(folder: Path) -> str:
    """Return, as typed, another Python of this computer that suits the book, or an empty string."""
    test = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    names = [f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for words in [[str(own_python(folder))], *(["py", f"-{name}"] if WINDOWS else [f"python{name}"] for name in names)]:
        if shutil.which(words[0]) and not ask([*words, "-c", test], folder, patience=20).problem:
            return " ".join([typed(Path(words[0])) if os.sep in words[0] else words[0], *words[1:]])
    return ""


def ask(words: List[str], folder: Path, patience: float = PATIENCE) -> Answer:
    """Run a program in a process of its own, so that a crash or a hang there does no harm here."""
    variables = dict(os.environ, PYTHONIOENCODING="utf-8")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        child = subprocess.run(words, cwd=str(folder), env=variables, timeout=patience, check=False, **pipes)
    except subprocess.TimeoutExpired as late:
        printed, problem = late.stdout, f"no answer within {patience:g} seconds"
    except OSError as error:
        printed, problem = b"", str(error)
    else:
        errors = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        printed, problem = child.stdout, f"{errors[-1]} (exit code {child.returncode})" if child.returncode else ""
    text = (printed or b"").decode("utf-8", "replace").strip()
    facts = {}  # type: Dict[str, Any]
    for line in text.splitlines():
        if line.startswith("{") and line.endswith("}"):
            facts.update(json.loads(line))
    return Answer(facts, text, problem)


# --- the checks, in the order in which they are printed ---


def check_python(folder: Path) -> Result:
    """Look at the version of this Python and at its width."""
    bits = 64 if sys.maxsize > 2**32 else 32
    text = f"{platform.python_version()}, {bits} bit"
    if sys.version_info[:2] < OLDEST or bits == 32:
        advice = f"{PYTHONS}, 64 bit, is needed"
        other = suitable_python(folder)
        if other:
            return Result(
                FAIL, "Python", text, advice + ". You have one:", (f"{other} {typed(folder / 'preflight.py')}",)
            )
        return Result(FAIL, "Python", text, advice + ": choose one of these at https://www.python.org/downloads/")
    if sys.version_info[:2] > NEWEST:
        advice = f"The book was tested with {PYTHONS}. If something fails, take one of these."
        return Result(HINT, "Python", text, advice, value=text)
    return Result(OK, "Python", text, value=text)


def check_environment(folder: Path) -> Result:
    """Look whether this Python is that of a virtual environment."""
    if in_environment():
        return Result(OK, "environment", sys.prefix)
    text = "this Python is not in a virtual environment"
    again = command(typed(own_python(folder)), typed(folder / "preflight.py"))
    if own_python(folder).exists():
        return Result(HINT, "environment", text, "Use the one in .venv:", (again,))
    advice = "Make one, so that nothing else is disturbed, and check again with its Python:"
    if importlib.util.find_spec("ensurepip") is None:
        advice = "First: sudo apt install python3-venv (or what your system calls it). " + advice
    make = command(typed(Path(sys.executable)), "-m", "venv", typed(folder / ".venv"))
    return Result(HINT, "environment", text, advice, (make, again))


def disk_needed(folder: Path, packages: List[Package]) -> float:
    """Return how many bytes the packages that are still missing will take, and the notebooks' own files."""
    missing = [package.name for package in packages if package.state == "missing"]
    if packages and not missing:
        return DISK_WORK
    if packages and "torch" not in missing:
        return DISK_REST
    wheels = wheels_in(folder)
    nvidia = LINUX and (not wheels or any(name.startswith("nvidia") for name in wheels))
    return DISK_NVIDIA if nvidia else DISK_SMALL


def check_disk(folder: Path, packages: List[Package]) -> Result:
    """Look whether the disk that the packages go to has room for what is still to be installed."""
    place, needed = Path(sys.prefix) if in_environment() else folder, disk_needed(folder, packages)
    free = shutil.disk_usage(str(place)).free
    text, value = f"{free / GB:.1f} GB free, {needed / GB:g} GB needed", round(free / GB, 1)
    if free >= needed:
        return Result(OK, "disk", text, value=value)
    advice = f"Delete or move away {(needed - free) / GB:.1f} GB on the disk that holds {place}"
    if needed == DISK_NVIDIA:
        advice += ", or install the small CPU build (2 GB): see “The small CPU build” in book/setup.md"
    return Result(FAIL, "disk", text, advice + ".", value=value)


def linux_memory(root: str = "/") -> Tuple[int, str]:
    """Return the free bytes and their source: /proc/meminfo, or what a container or service may still take."""
    meminfo = Path(root, "proc/meminfo").read_text(encoding="utf-8")
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    if not found:
        raise ValueError("/proc/meminfo has no line MemAvailable")
    free, source = 1024 * int(found.group(1)), "/proc/meminfo"
    own_groups = Path(root, "proc/self/cgroup")
    for line in own_groups.read_text(encoding="utf-8").splitlines() if own_groups.exists() else []:
        _, kinds, group = line.split(":", 2)
        top, names = Path(root, "sys/fs/cgroup"), ["memory.max", "memory.current", "inactive_file"]
        if kinds:  # version 1 of cgroups
            top, names = top / "memory", ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"]
        inner = top / group.strip("/")
        for place in [inner, *inner.parents] if kinds in ("", "memory") else []:  # each on the way up may set a limit
            if place.parts[: len(top.parts)] != top.parts or not (place / names[0]).exists():
                continue
            limit = (place / names[0]).read_text(encoding="utf-8").strip()
            cache = re.search(rf"^{names[2]} (\d+)", (place / "memory.stat").read_text(encoding="utf-8"), re.MULTILINE)
            used = int((place / names[1]).read_text(encoding="utf-8")) - (int(cache.group(1)) if cache else 0)
            if limit != "max" and int(limit) - used < free:
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

    names = ["total", "free", "total_page", "free_page", "total_virtual", "free_virtual", "extended"]
    fields = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), *((name, ctypes.c_ulonglong) for name in names)]
    status = type("Status", (ctypes.Structure,), {"_fields_": fields})()
    status.length = ctypes.sizeof(status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("GlobalMemoryStatusEx failed")
    return status.free, "GlobalMemoryStatusEx"


def check_memory() -> Result:
    """Look whether enough memory is free."""
    readers = {"Linux": linux_memory, "Darwin": mac_memory, "Windows": windows_memory}
    try:
        free, source = readers[platform.system()]()
    except (KeyError, OSError, ValueError) as error:
        advice = f"Make sure that {MEMORY / GB:g} GB are free before you begin."
        return Result(HINT, "memory", f"could not be read: {error!r}", advice)
    text, value = f"{free / GB:.1f} GB free, {MEMORY / GB:g} GB needed (read from {source})", round(free / GB, 1)
    if free >= MEMORY:
        return Result(OK, "memory", text, value=value)
    advice = "Close other programs and the tabs of the browser, and check again."
    if source == "cgroup limit":
        advice = "This session may take no more: close other notebooks, or ask who runs it for more memory."
    return Result(FAIL, "memory", text, advice, value=value)


def release(version: str) -> Tuple[List[int], bool]:
    """Return what versions are ordered by; 2.0rc1 comes before 2.0, and 2.14.1+cu130 equals 2.14.1."""
    found = re.match(r"(\d+(?:\.\d+)*)(.*)", version.partition("+")[0])
    if not found:
        raise ValueError(f"not a version: {version!r}")
    numbers = [int(number) for number in found.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, not re.match(r"[.-]?(a|b|rc|dev)", found.group(2))


def fits(version: str, rule: str) -> bool:
    """Say whether a version lies in a range such as >=1.0.4,<2."""
    for part in filter(None, rule.replace(" ", "").split(",")):
        sign, limit = re.match(r"(\W*)(.*)", part).groups()
        if sign not in SIGNS:
            raise ValueError(f"this check does not know the sign {sign!r} in {rule!r}")
        if not SIGNS[sign](release(version), release(limit)):
            return False
    return True


def requirement_lines(path: Path) -> List[Tuple[str, str]]:
    """Return (name, range) for each line; of requirements.txt only the block that the notebooks need."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if NOTEBOOKS_BLOCK in text:
        text = text.partition(NOTEBOOKS_BLOCK)[2].partition("# ---")[0]
    plain = [re.split("[#;]", line)[0].strip() for line in text.splitlines()]
    found = [re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*(.*)", line) for line in plain]
    return [(line.group(1).lower().replace("_", "-"), line.group(2)) for line in found if line]


def find_packages(folder: Path) -> List[Package]:
    """Return what requirements.txt asks for and what is installed of it."""
    from importlib import metadata  # Python 3.8 brought it

    tested = {}  # type: Dict[str, Tuple[str, ...]]
    for name, rule in requirement_lines(folder / "constraints.txt"):  # some names have two lines, for two Pythons
        tested[name] = (*tested.get(name, ()), rule.replace("==", "").strip())
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
    missing = [p.name for p in packages if p.state == "missing"]
    unfit = [f"{p.name} {p.installed} (needed {p.rule})" for p in packages if p.state == "unfit"]
    untested = [f"{p.name} {p.installed} ({p.tested[0]})" for p in packages if p.state == "untested"]
    commands = (install_command(folder),)
    if missing or unfit:
        text = f"{len(missing)} of {len(packages)} missing: {', '.join(missing)}" if missing else ""
        text += "; " * bool(missing and unfit) + ("wrong version: " + ", ".join(unfit) if unfit else "")
        if "torch" in missing and (platform.system(), platform.machine()) == ("Darwin", "x86_64"):
            advice = "PyTorch is no longer made for Intel Macs: use Colab (book/setup.md). On an Apple processor this "
            advice += "Python is the wrong build: get the universal one from https://www.python.org/downloads/"
            return Result(FAIL, "packages", text, advice)
        if in_environment() and importlib.util.find_spec("pip") is None:
            commands = (command(working_python(folder), "-m", "ensurepip"), *commands)
        return Result(FAIL, "packages", text, "Install what the notebooks need:", commands)
    if untested:
        text = f"all {len(packages)} suit; not in the version tested (in brackets): {', '.join(untested)}"
        return Result(HINT, "packages", text, "Nothing needs to be done. For the tested versions:", commands)
    return Result(OK, "packages", f"all {len(packages)} installed, in the versions tested")


def check_torch(folder: Path, answer: Answer) -> Result:
    """Look whether torch starts, and torchvision with it."""
    from importlib import metadata

    version, vision = answer.facts.get("torch"), answer.facts.get("torchvision")
    if not version:
        advice = "Install torch again (Windows also needs Microsoft's Visual C++ Redistributable):"
        return Result(FAIL, "torch", f"does not start: {answer.problem}", advice, reinstall_commands(folder))
    wanted = [re.match(r"torch\s*\(?([<>=!][^);]*)", line) for line in metadata.requires("torchvision") or []]
    rules = [rule.group(1).strip() for rule in wanted if rule and not fits(version, rule.group(1))]
    problem = f"torchvision {vision} wants torch {rules[0]}" if rules else ""
    if not vision:
        reason = answer.facts.get("torchvision_problem", answer.problem).splitlines()[0]
        problem = f"torchvision does not work with it: {reason}"
    if problem:
        advice = "Install the pair that belongs together:"
        return Result(FAIL, "torch", f"{version}, but {problem}", advice, reinstall_commands(folder), version)
    return Result(OK, "torch", f"{version} · torchvision {vision}", value=version)


def check_device(answer: Answer) -> Result:
    """Look which device torch uses, and whether it can add up a thousand ones."""
    device, card = answer.facts.get("device"), answer.facts.get("card")
    if not device or answer.facts.get("total") != 1000:
        text = f"{device or 'unknown'} does not work: {answer.problem or 'a wrong sum'}"
        advice = "Update the driver of the graphics card. Until then keep torch off it; type this, then check again:"
        hide = "export CUDA_VISIBLE_DEVICES=-1"
        if WINDOWS:
            hide = "set CUDA_VISIBLE_DEVICES=-1" if "PROMPT" in os.environ else '$env:CUDA_VISIBLE_DEVICES = "-1"'
        return Result(FAIL, "device", text, advice, (hide,), device)
    if device == "cpu" and shutil.which("nvidia-smi"):
        text = "cpu, although there seems to be an NVIDIA card"
        advice = f"Every chapter runs on the CPU too. For the card, update its driver or see {INSTALLATION_PAGE}"
        return Result(HINT, "device", text, advice, value=device)
    return Result(OK, "device", f"{device} ({card})" if card else device, value=device)


def check_training(answer: Answer) -> Result:
    """Look whether a tiny network learned."""
    first, last, seconds = (answer.facts.get(name) for name in ("first_loss", "last_loss", "seconds"))
    if seconds is None:
        advice = "Restart the computer and check again. If this stays, show these lines to your teacher."
        return Result(FAIL, "training", f"broke off: {answer.problem or 'no result'}", advice)
    text, value = f"loss {first:.2f} → {last:.2f} in {seconds:.1f} s", round(seconds, 2)
    if not last < first / 2:
        advice = "The network did not learn: the device computes wrongly. Update its driver and check again."
        return Result(FAIL, "training", text, advice, value=value)
    return Result(OK, "training", text, value=value)


def check_jupyter(folder: Path, version: Answer, answer: Answer, quick: bool) -> Result:
    """Look whether JupyterLab starts and its kernel is this Python and answers."""
    if version.problem:
        advice, repair = "Install it again:", install_command(folder) + " --force-reinstall --no-deps"
        return Result(FAIL, "Jupyter", f"JupyterLab does not start: {version.problem}", advice, (repair,))
    text, program = f"JupyterLab {version.text.splitlines()[-1]}", answer.facts.get("program", "")
    repair = command(working_python(folder), "-m", "ipykernel", "install", "--sys-prefix")
    # Jupyter replaces a bare name, such as python3, by the Python that it runs in; a path it leaves alone.
    near = re.match(r"python[\d.]*(\.exe)?$", program) or same(Path(program).parent, Path(sys.executable).parent)
    home = ast.literal_eval(answer.facts.get("home", "None"))
    if program and not (same(home, sys.prefix) if home else near):
        text += f", but its kernel is another Python: {home or program}"
        return Result(FAIL, "Jupyter", text, "Let its kernel be the Python that runs this check:", (repair,))
    if not program or not (quick or answer.facts.get("answer") == "2"):
        text += f", but its kernel does not answer: {answer.problem or answer.facts.get('answer')}"
        advice = "A firewall or VPN may keep programs of this computer from each other: switch it off. Else type:"
        return Result(FAIL, "Jupyter", text, advice, (repair,))
    return Result(OK, "Jupyter", text + (", its kernel not tried" if quick else ", its kernel answers"))


def same(one: Any, other: Any) -> bool:
    """Say whether two paths name the same folder."""
    return os.path.normcase(os.path.realpath(str(one))) == os.path.normcase(os.path.realpath(str(other)))


def check_data(folder: Path) -> Result:
    """Look whether the four packed files of MNIST are there and whole."""
    raw = next((folder / name for name in DATA_FOLDERS if (folder / name).is_dir()), folder / DATA_FOLDERS[0])
    problems = {}
    for name, size, md5 in DATA_FILES:
        content = (raw / name).read_bytes() if (raw / name).is_file() else None
        options = {"usedforsecurity": False} if sys.version_info >= (3, 9) else {}
        if content is None:
            problems[name] = "is missing"
        elif len(content) != size:
            problems[name] = f"has {len(content)} bytes instead of {size}"
        elif hashlib.md5(content, **options).hexdigest() != md5:
            problems[name] = "is damaged"
    if not problems:
        return Result(OK, "data", "the four files of MNIST are whole")
    text = "; ".join(f"{name} {problem}" for name, problem in problems.items())
    if (folder / ".git").exists() and shutil.which("git"):
        repair = f"git -C {quoted(str(folder))} checkout -- {DATA_FOLDERS[0]}"
        return Result(FAIL, "data", text, "Fetch the files anew from your copy of the repository:", (repair,))
    advice = f"Copy these files again, from the archive or the USB stick with the book, into {typed(raw)}"
    return Result(FAIL, "data", text, advice)


def check_writing(folder: Path) -> Result:
    """Look whether notebooks can be saved here."""
    for place in [place for place in (folder, folder / "notebooks") if place.is_dir()]:
        try:
            with tempfile.TemporaryFile(dir=str(place)) as file:
                file.write(b"written")
        except OSError as error:
            advice = f"Copy the whole folder to {better_place()} and start from there."
            return Result(FAIL, "writing", f"nothing can be saved in {place}: {error.strerror}", advice)
    return Result(OK, "writing", f"notebooks can be saved in {folder}")


def better_place() -> str:
    """Return, as typed, a folder that is the user's own, on this disk, with a plain name."""
    return "C:\\pytorch-book" if WINDOWS else quoted(str(Path.home() / "pytorch-book"))


def check_folder(folder: Path) -> Result:
    """Look whether the folder's place and name are free of what troubles some programs."""
    path = str(folder)
    synced = re.search(r"onedrive|dropbox|google ?drive|mobile documents", path, re.IGNORECASE)
    odd = "".join(sorted(set(re.sub(r"[a-zA-Z0-9_ .,()/~+@=-]" + (r"|[\\:]" if WINDOWS else ""), "", path))))
    if synced:
        text = f"lies in {synced.group()}, which may lock files or take them off the disk"
    elif odd or path.startswith("\\\\"):
        text = f"its name has signs that trouble some programs: {odd}" if odd else "lies on another computer"
    elif WINDOWS and len(path) > 100:
        text = f"its name has {len(path)} letters; Windows allows 260, and the packages' files need 150"
    else:
        return Result(OK, "folder", "an ordinary name and place")
    return Result(HINT, "folder", text, f"If something fails, move the book to {better_place()}")


def run_checks(folder: Path, quick: bool, packages: List[Package]) -> Iterator[Result]:
    """Yield what each check finds; what cannot be tried yet is left out. `packages` is filled on the way."""
    python = check_python(folder)
    yield python
    if python.status != FAIL:
        yield check_environment(folder)
        packages.extend(find_packages(folder))
    yield check_disk(folder, packages)
    yield check_memory()
    if python.status != FAIL:
        yield check_packages(folder, packages)
        ready = {package.name for package in packages if package.state in ("tested", "untested")}
        if {"torch", "torchvision"} <= ready:
            answer = ask([sys.executable, "-c", ASK_TORCH, "quick" if quick else "train"], folder)
            yield check_torch(folder, answer)
            if "torch" in answer.facts:
                device = check_device(answer)
                yield device
                if not quick and device.status != FAIL:
                    yield check_training(answer)
        if {"jupyterlab", "ipykernel"} <= ready:
            version = ask([sys.executable, "-m", "jupyterlab", "--version"], folder)
            answer = ask([sys.executable, "-c", ASK_JUPYTER, "quick" if quick else "start"], folder)
            yield check_jupyter(folder, version, answer, quick)
    yield check_data(folder)
    yield check_writing(folder)
    yield check_folder(folder)


# --- what is printed ---


def lines_of(result: Result) -> List[str]:
    """Return the lines that show a result. What is to be typed is never broken, whatever its length."""
    wrap = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
    wrap.initial_indent, wrap.subsequent_indent = f"{result.status:<5} {result.name:<12} ", " " * 19
    lines = wrap.wrap(result.text)
    wrap.initial_indent, wrap.subsequent_indent = "      > ", " " * 8
    return lines + wrap.wrap(result.advice) + [" " * 10 + line for line in result.commands]


def computer() -> str:
    """Return the name of this machine and its system."""
    return f"{platform.node()} · {platform.system()} {platform.release()} {platform.machine()}"


def summary(results: List[Result]) -> List[str]:
    """Return the screen that a learner shows the teacher: at most 24 lines of 80 columns."""
    texts = {result.name: result.text for result in results}
    failed = [("missing", f"{result.name}: {result.text}") for result in results if result.status == FAIL]
    hinted = ", ".join(result.name for result in results if result.status == HINT)
    rows = [("computer", computer())]
    rows += [(name, texts.get(name, "not tried")) for name in ("Python", "torch", "device", "training", "Jupyter")]
    rows += (failed or [("missing", "nothing")]) + ([("hints", hinted)] if hinted else [])
    lines = [f" {'✗ NOT READY' if failed else '✓ READY':<56}{time.strftime('%Y-%m-%d %H:%M'):>22}"]
    lines += [f"   {name:<9} {text}" for name, text in rows]
    lines += ["   Repair the first FAIL above, then run this again."] if failed else []
    rule = "-" * SUMMARY_WIDTH
    return [rule, *(cut(line) for line in lines), rule]


def cut(line: str) -> str:
    """Return a line no longer than the summary is wide."""
    return line if len(line) <= SUMMARY_WIDTH else line[: SUMMARY_WIDTH - 3] + "..."


def as_json(results: List[Result], packages: List[Package]) -> str:
    """Return everything as JSON, for a teacher who collects it."""
    values = {result.name: result.value for result in results}
    named = {"python": "Python", "torch": "torch", "device": "device", "training_seconds": "training"}
    named.update(disk_gb="disk", memory_gb="memory")
    missing = [result.name for result in results if result.status == FAIL]
    facts = {"ready": not missing, "missing": missing, "date": time.strftime("%Y-%m-%dT%H:%M:%S")}  # type: Dict[str, Any]
    facts.update({key: values.get(name) for key, name in named.items()}, computer=computer())
    facts["checks"] = [dict(result._asdict()) for result in results]
    facts["packages"] = [dict(package._asdict(), state=package.state) for package in packages]
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
