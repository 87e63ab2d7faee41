"""Say how large a hub for 20, 200 and 2000 people must be, from what the notebooks were measured to cost.

    python tools/size_hub.py                                        # the sizes and the reasoning
    python tools/size_hub.py --node-cpus 8 --node-memory 32         # for other machines
    python tools/size_hub.py --write                                # into the files in hub/ and the page about the hub

It reads book/records/notebook_costs.json. What is no measurement but an assumption is a constant below, with its
reason; the last table shows what the dearest of them costs. `--write` always writes for the machines below. G means
2³⁰ bytes, as in the files.
"""

import argparse
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "book" / "records" / "notebook_costs.json"
PAGE = ROOT / "book" / "teaching" / "hub.md"
FILES = {
    20: [ROOT / "hub" / "tljh" / "config.yaml", ROOT / "hub" / "tljh" / "jupyterhub_config.d" / "workshop.py"],
    200: [ROOT / "hub" / "kubernetes" / "values_200.yaml"],
    2000: [ROOT / "hub" / "kubernetes" / "values_2000.yaml"],
}
GIB = 2**30

# Learners change numbers in cells: a larger batch, a wider layer. Nobody measured what they will try.
MARGIN = 1.2
# Whoever opens the next chapter rarely shuts the last one down.
OTHER_KERNELS = 2
# "Now run this cell": all do so within one minute, and each chapter's dearest cell is meant.
PRESS_SECONDS = 60
# When all have pressed, the cell may take this many times as long as it takes alone. More is a break for coffee.
# Alone means: with all its threads busy on cores of their own. The seconds in the record are not used for it, since
# they are longer when other programs run on the machine that measures.
PATIENCE = 3
# More people come than have enrolled, and teachers and helpers need a place as well.
SPARE_PEOPLE = 0.1
# A machine that clouds commonly offer; other machines: --node-cpus, --node-memory.
NODE_CPUS, NODE_MEMORY = 16, 64
# What the system, Kubernetes and the image's own files in memory take of a node; an allowance, not measured.
NODE_RESERVED_CPUS, NODE_RESERVED_MEMORY = 1, 6
# Kubernetes starts at most 110 pods on a node unless told otherwise; about ten are its own.
PODS_A_NODE = 100
# The hub's own programs on the one machine of The Littlest JupyterHub; an allowance, not measured.
HUB_CPUS, HUB_MEMORY = 1, 2
# All come within ten minutes; a server that starts on a node which holds the image takes about half a minute.
ARRIVAL_SECONDS, START_SECONDS = 600, 30
DEFAULT_SPAWN_LIMIT = 64  # of the chart for Kubernetes: no reason to go below it

MINUTES = re.compile(r"^\*\*Time:\*\* (\d+) minutes reading, (\d+) minutes exercises\.", re.MULTILINE)
SIZED_LINE = re.compile(r"^(?P<before>.*?[:=] )(?P<value>\S+?)(?P<after>,?  # size: (?P<name>\w+))$", re.MULTILINE)
BLOCK = "<!-- {name}: written by tools/size_hub.py -->"


def round_up(number: float, step: float) -> float:
    """Return the next multiple of a step; a hair above a multiple counts as that multiple."""
    return round(math.ceil(round(number / step, 6)) * step, 6)


@dataclass(frozen=True)
class Costs:
    """What was measured: bytes, CPU seconds and seconds."""

    record: dict[str, Any]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the row of each notebook by its name."""
        return self.record["notebooks"]

    def dearest(self, key: Callable[[dict[str, Any]], float]) -> str:
        """Return the name of the notebook with the largest value."""
        return max(self.rows, key=lambda name: key(self.rows[name]))

    @property
    def server(self) -> float:
        """Return the bytes of JupyterLab's server."""
        return self.record["server"]["peak_mb"] * 1e6

    @property
    def peak(self) -> float:
        """Return the bytes of the kernel that needs most."""
        return max(row["peak_mb"] for row in self.rows.values()) * 1e6

    @property
    def resting(self) -> float:
        """Return the bytes of the largest kernel that has run its notebook to the end and waits."""
        return max(row["resting_mb"] for row in self.rows.values()) * 1e6

    @property
    def disk(self) -> float:
        """Return the bytes that all notebooks together leave behind, each with a copy of its data."""
        return sum(row["disk_mb"] for row in self.rows.values()) * 1e6

    def cores_when_all_press(self, press_seconds: float, patience: float = PATIENCE) -> float:
        """Return the cores a person needs so that the dearest cell ends in time.

        The CPU seconds of one person's cell must be delivered between the first press and the end of the patience of
        the last who pressed.
        """
        work = max(row["dearest_cell"]["cpu_seconds"] for row in self.rows.values())
        return work / (press_seconds + patience * work / self.threads)

    @property
    def threads(self) -> int:
        """Return the threads that each notebook was measured with."""
        return self.record["circumstances"]["threads"]

    @cached_property
    def cores_on_average(self) -> float:
        """Return the cores a person needs of the dearest chapter, spread over the minutes that the chapter takes."""
        return max(row["cpu_seconds"] / (60 * minutes_of(name)) for name, row in self.rows.items() if name[0].isdigit())


def minutes_of(name: str) -> int:
    """Return how many minutes a chapter says that it takes, exercises included.

    Raises ValueError where it does not say so.
    """
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    found = MINUTES.search(notebook.cells[0].source)
    if found is None:
        raise ValueError(f"{name}.ipynb does not say in its first cell how many minutes it takes.")
    return int(found[1]) + int(found[2])


@dataclass(frozen=True)
class Sizes:
    """The sizes of a hub for some people: memory in G, CPU in cores."""

    people: int
    memory_guarantee: float
    memory_limit: float
    cpu_guarantee: float
    cpu_limit: int
    storage: int
    people_a_node: int
    nodes: int
    machine_memory: int  # one machine for all
    machine_cpus: int
    spare: int
    active_servers: int
    spawn_limit: int

    def in_files(self) -> dict[str, str]:
        """Return what stands in the files, by the names in their comments `# size: …`."""
        return {
            "memory_guarantee": f"{self.memory_guarantee:g}G",
            "memory_limit": f"{self.memory_limit:g}G",
            "cpu_guarantee": f"{self.cpu_guarantee:g}",
            "cpu_limit": str(self.cpu_limit),
            "threads": f'"{self.cpu_limit}"',
            "storage": f"{self.storage}Gi",
            "spare": str(self.spare),
            "active_servers": str(self.active_servers),
            "spawn_limit": str(self.spawn_limit),
        }


def sizes(costs: Costs, people: int, node_cpus: float = NODE_CPUS, node_memory: float = NODE_MEMORY) -> Sizes:
    """Derive the sizes of a hub for `people` on nodes of so many cores and so much memory (G).

    Raises ValueError where not even one person fits on such a node.
    """
    memory_guarantee = round_up((costs.server + costs.peak) * MARGIN / GIB, 0.1)
    memory_limit = round_up((costs.server + costs.peak + OTHER_KERNELS * costs.resting) * MARGIN / GIB, 0.1)
    cpu_guarantee = round_up(costs.cores_when_all_press(PRESS_SECONDS), 0.05)
    by_memory = math.floor((node_memory - NODE_RESERVED_MEMORY) / memory_guarantee)
    by_cpu = math.floor((node_cpus - NODE_RESERVED_CPUS) / cpu_guarantee)
    people_a_node = min(by_memory, by_cpu, PODS_A_NODE)
    if people_a_node < 1:
        raise ValueError(
            f"A node with {node_cpus:g} cores and {node_memory:g} G is too small for one person, who needs "
            f"{cpu_guarantee:g} cores and {memory_guarantee:g} G beside what the system takes: name a larger one."
        )
    spare = math.ceil(people * SPARE_PEOPLE)
    return Sizes(
        people=people,
        memory_guarantee=memory_guarantee,
        memory_limit=memory_limit,
        cpu_guarantee=cpu_guarantee,
        cpu_limit=costs.threads,
        storage=math.ceil(costs.disk * MARGIN / GIB),
        people_a_node=people_a_node,
        nodes=math.ceil((people + spare) / people_a_node),
        machine_memory=math.ceil((people + spare) * memory_guarantee + HUB_MEMORY),
        machine_cpus=math.ceil((people + spare) * cpu_guarantee + HUB_CPUS),
        spare=spare,
        active_servers=people + spare,
        spawn_limit=max(DEFAULT_SPAWN_LIMIT, math.ceil((people + spare) * START_SECONDS / ARRIVAL_SECONDS)),
    )


def markdown_table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table in Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(str(field) for field in line) + " |" for line in lines)


def measured_table(costs: Costs) -> str:
    """Return what was measured, a notebook a line."""
    heads = [
        "notebook",
        "peak memory (MB)",
        "at rest afterwards (MB)",
        "CPU seconds",
        "seconds",
        "processes at most",
        "CPU seconds of the dearest cell",
    ]
    rows = [
        [
            f"`{name}`",
            row["peak_mb"],
            row["resting_mb"],
            f"{row['cpu_seconds']:.0f}",
            f"{row['seconds']:.0f}",
            row["processes"],
            f"{row['dearest_cell']['cpu_seconds']:.0f}",
        ]
        for name, row in costs.rows.items()
    ]
    server = costs.record["server"]
    rows.append(["JupyterLab itself", server["peak_mb"], server["resting_mb"], "", "", server["processes"], ""])
    where = costs.record["circumstances"]
    origin = (
        f"Measured on {where['date']} with PyTorch {where['torch']} on {where['cores']} cores of "
        f"{where['hardware']}, {where['threads']} threads, without a graphics card. "
        "Other programs ran on the machine: that makes the seconds longer, and the CPU seconds too, since threads that "
        "wait for each other keep their cores busy."
    )
    return f"{markdown_table(heads, rows)}\n\n{origin}"


def sizes_table(all_sizes: list[Sizes]) -> str:
    """Return the sizes, a line for each, a column for each number of people."""
    rows = [
        ["memory that each person is promised", *(f"{s.memory_guarantee:g} G" for s in all_sizes)],
        ["memory that nobody may exceed", *(f"{s.memory_limit:g} G" for s in all_sizes)],
        ["cores that each person is promised", *(f"{s.cpu_guarantee:g}" for s in all_sizes)],
        ["cores that nobody may exceed", *(s.cpu_limit for s in all_sizes)],
        ["disk for each person's files", *(f"{s.storage} Gi" for s in all_sizes)],
        ["places, spare ones included", *(s.active_servers for s in all_sizes)],
        ["one machine for all would need", *(f"{s.machine_cpus} cores, {s.machine_memory} G" for s in all_sizes)],
        [f"people on a node of {NODE_CPUS} cores and {NODE_MEMORY} G", *(s.people_a_node for s in all_sizes)],
        ["such nodes", *(s.nodes for s in all_sizes)],
        ["servers that may be starting at once", *(s.spawn_limit for s in all_sizes)],
    ]
    return markdown_table(["size", *(f"{s.people} people" for s in all_sizes)], rows)


def assumption_table(costs: Costs) -> str:
    """Return the cores that the people need together, by how close together they press Run."""

    def cores(each: float) -> list[str]:
        return [f"{math.ceil(people * each)}" for people in FILES]

    rows = [["at the same moment, and nobody waits longer than alone", *cores(costs.threads)]]
    for seconds in (0, PRESS_SECONDS, 5 * PRESS_SECONDS):
        when = "at the same moment" if seconds == 0 else f"within {seconds} seconds"
        each = costs.cores_when_all_press(seconds)
        rows.append([f"{when}, and it may take {PATIENCE} times as long as alone", *cores(each)])
    rows.append(["each when they get there: spread over the chapter's minutes", *cores(costs.cores_on_average)])
    return markdown_table(["all press Run …", *(f"cores for {people} people" for people in FILES)], rows)


def reasoning(costs: Costs, one: Sizes) -> str:
    """Return how the numbers for one person come about, as a list in Markdown."""
    peak, resting = costs.dearest(lambda row: row["peak_mb"]), costs.dearest(lambda row: row["resting_mb"])
    busiest = costs.dearest(lambda row: row["dearest_cell"]["cpu_seconds"])
    work = costs.rows[busiest]["dearest_cell"]["cpu_seconds"]
    return "\n".join(
        [
            f"- Memory promised: JupyterLab ({costs.server / 1e6:.0f} MB) and the dearest kernel (`{peak}`, "
            f"{costs.peak / 1e6:.0f} MB), times {MARGIN:g} for what learners change: {one.memory_guarantee:g} G.",
            f"- Memory at most: besides, {OTHER_KERNELS} kernels of other notebooks left open at rest (`{resting}`, "
            f"{costs.resting / 1e6:.0f} MB each), times {MARGIN:g}: {one.memory_limit:g} G.",
            f"- Cores promised: all press Run on the dearest cell within {PRESS_SECONDS} seconds, and accept that it "
            f"takes {PATIENCE} times as long as alone. That of `{busiest}` takes {work:.0f} CPU seconds, alone "
            f"{work / costs.threads:.0f} seconds on {costs.threads} cores: {work:.0f} / ({PRESS_SECONDS} + {PATIENCE} "
            f"× {work / costs.threads:.0f}), rounded up to {one.cpu_guarantee:g}.",
            f"- Cores at most: {one.cpu_limit}, the threads that the notebooks were measured with.",
            f"- Places: {SPARE_PEOPLE:.0%} more than people enrolled, for teachers, helpers and whoever comes as well.",
            f"- A node keeps {NODE_RESERVED_CPUS} core and {NODE_RESERVED_MEMORY} G for the system, and holds at most "
            f"{PODS_A_NODE} people.",
        ]
    )


def blocks(costs: Costs) -> dict[str, str]:
    """Return what stands on the page, by the names of its blocks."""
    all_sizes = [sizes(costs, people) for people in FILES]
    return {
        "sizes": sizes_table(all_sizes),
        "reasoning": reasoning(costs, all_sizes[0]),
        "assumption": assumption_table(costs),
        "measured": measured_table(costs),
    }


def with_blocks(text: str, new: dict[str, str]) -> str:
    """Return a page with its blocks replaced.

    Raises ValueError where the page lacks one.
    """
    for name, content in new.items():
        mark = re.escape(BLOCK.format(name=name))
        pattern = re.compile(rf"({mark}\n).*?(\n{mark})", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"The page should have the line {BLOCK.format(name=name)} twice, around the block.")
        text = pattern.sub(lambda found, content=content: f"{found[1]}\n{content}\n{found[2]}", text)
    return text


def with_sizes(text: str, values: dict[str, str]) -> str:
    """Return a file with the value of each line that ends in `# size: NAME` replaced.

    Raises ValueError where a line names a size that does not exist, and where no line names any.
    """
    names = {found["name"] for found in SIZED_LINE.finditer(text)}
    if not names or not names <= set(values):
        raise ValueError(f"The sizes {sorted(names - set(values))} are unknown; these are known: {sorted(values)}.")
    return SIZED_LINE.sub(lambda found: found["before"] + values[found["name"]] + found["after"], text)


def written(costs: Costs) -> dict[Path, str]:
    """Return what every file that holds sizes should be."""
    new = {
        path: with_sizes(path.read_text("utf8"), sizes(costs, people).in_files())
        for people, paths in FILES.items()
        for path in paths
    }
    return new | {PAGE: with_blocks(PAGE.read_text("utf8"), blocks(costs))}


def read_costs() -> Costs:
    """Return the measurements."""
    return Costs(json.loads(RECORD.read_text("utf8")))


def main() -> None:
    """Print or write the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node-cpus", type=float, default=NODE_CPUS, help="cores of a node")
    parser.add_argument("--node-memory", type=float, default=NODE_MEMORY, help="memory of a node in G")
    parser.add_argument("--write", action="store_true", help="write the sizes into hub/ and the page")
    options = parser.parse_args()
    costs = read_costs()
    if options.write:
        for path, text in written(costs).items():
            path.write_text(text, "utf8")
            print(f"{path.relative_to(ROOT)} is up to date.")
        return
    try:
        all_sizes = [sizes(costs, people, options.node_cpus, options.node_memory) for people in FILES]
    except ValueError as error:
        raise SystemExit(str(error)) from error
    print(reasoning(costs, all_sizes[0]), assumption_table(costs), sep="\n\n")
    print(f"\nNodes of {options.node_cpus:g} cores and {options.node_memory:g} G:")
    for s in all_sizes:
        print(f"{s.people} people: {s.people_a_node} a node, {s.nodes} nodes; or one machine of {s.machine_cpus} cores")


if __name__ == "__main__":
    main()
