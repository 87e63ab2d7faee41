"""A hub for many people: files that fit their schema, sizes that follow from the record, an image, links."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement
from traitlets.config import Config

import size_hub
from book_files import ROOT, notebook_paths, read, seconds_allowed
from hub_links import hub_link
from measure_notebook import LIMIT_MB, LIMITS_MB, Memory, Sampler, limit_mb
from record_notebook_costs import cell_digest, is_out_of_date
from run_chapter import needed_mb
from size_hub import Costs, markdown_table, read_costs, sizes, with_blocks, with_sizes, written

HUB = ROOT / "hub"
SCHEMAS = {
    **dict.fromkeys(sorted((HUB / "kubernetes").glob("*.yaml")), HUB / "schemas" / "kubernetes.json"),
    HUB / "tljh" / "config.yaml": HUB / "schemas" / "tljh.json",
    ROOT / ".binder" / "environment.yml": HUB / "schemas" / "binder.json",
}
DOCKERFILE = (HUB / "Dockerfile").read_text("utf8")
CHART = re.compile(r"chart (\d+\.\d+\.\d+)|--version (\d+\.\d+\.\d+)")
GIB = 2**30


def load(path):
    return yaml.safe_load(path.read_text("utf8"))


@functools.cache
def validator(schema_path):
    """Return what compares documents with a schema, which must be one itself."""
    schema = json.loads(schema_path.read_text("utf8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def complaints(document, schema_path):
    """Return what a schema says against a document."""
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator(schema_path).iter_errors(document)]


def every_key(document, above=()):
    """Yield the path to every key of nested mappings."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield (*above, key)
            yield from every_key(value, (*above, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from every_key(value, (*above, index))


def with_key_misspelt(document, path):
    """Return a copy of a document in which one key has a letter too many."""
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[f"{path[-1]}x"] = place.pop(path[-1])
    return copy


def notebook_requirements():
    """Return the lines of requirements.txt that run the notebooks, as the image takes them."""
    text = (ROOT / "requirements.txt").read_text("utf8")
    kept, mark, _ = text.partition("# --- build the book ---\n")
    assert mark, "hub/Dockerfile and hub/tljh/install.sh cut requirements.txt at the line '# --- build the book ---'"
    lines = [line.partition("#")[0].strip() for line in kept.splitlines()]
    return {requirement.name: requirement for requirement in map(Requirement, filter(None, lines))}


# --- the files fit their schema ---


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_configuration_fits_its_schema(path):
    assert complaints(load(path), SCHEMAS[path]) == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_typo_in_any_key_is_found(path):
    document = load(path)
    paths = list(every_key(document))
    assert len(paths) >= 3
    missed = [path_to for path_to in paths if not complaints(with_key_misspelt(document, path_to), SCHEMAS[path])]
    assert not missed


def test_a_wrong_value_is_found():
    path = HUB / "kubernetes" / "values_200.yaml"
    for place, wrong in (
        (("singleuser", "memory", "limit"), "3.1"),  # bytes
        (("singleuser", "image", "tag"), "latest"),
        (("singleuser", "extraEnv", "OMP_NUM_THREADS"), 2),  # Kubernetes wants text
        (("singleuser", "storage", "type"), "none"),  # people's work would go with their server
        (("hub", "activeServerLimit"), 0),
    ):
        document = load(path)
        inner = document
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = wrong
        assert complaints(document, SCHEMAS[path]), place


def test_the_files_hold_no_secret():
    for path in [*HUB.rglob("*"), *(ROOT / ".binder").iterdir()]:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text("utf8")
            assert not re.search(r"(?i)(secret|token|api_?key|client_?id)\s*[:=]\s*\S", text), path
            assert not re.search(r"(?i)password\s*[:=]\s*\S", text), path


def test_one_version_of_the_chart_and_of_the_hub():
    texts = [path.read_text("utf8") for path in (HUB / "kubernetes").glob("values_*.yaml")]
    texts += [(ROOT / "book" / "teaching" / "hub.md").read_text("utf8")]
    texts += [(HUB / "requirements.txt").read_text("utf8"), (ROOT / ".github/workflows/weekly.yml").read_text("utf8")]
    charts = [set(filter(None, sum(CHART.findall(text), ()))) for text in texts]
    assert all(charts)
    assert len(set().union(*charts)) == 1, charts
    hubs = [set(re.findall(r"JupyterHub (\d+\.\d+\.\d+)|jupyterhub==(\d+\.\d+\.\d+)", text)) for text in texts]
    assert len({version for found in hubs for pair in found for version in pair if version}) == 1, hubs


def test_the_snippet_for_the_littlest_hub_sets_what_a_spawner_knows():
    path = HUB / "tljh" / "jupyterhub_config.d" / "workshop.py"
    c = Config()
    exec(compile(path.read_text("utf8"), str(path), "exec"), {"c": c})
    assert c == {"Spawner": {"environment": {"OMP_NUM_THREADS": "2"}, "start_timeout": 120}}


def test_the_installer_is_a_script_that_asks_for_what_it_needs(tmp_path):
    script = HUB / "tljh" / "install.sh"
    if os.name != "posix" or not shutil.which("bash"):
        pytest.skip("needs bash")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    # An empty PATH: should the script go on, it finds no program to do anything with.
    finished = subprocess.run(
        [shutil.which("bash"), str(script)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 1
    assert "Set ADMIN and REPOSITORY first" in finished.stderr
    if sys.platform == "linux":
        assert os.access(script, os.X_OK)


# --- the sizes follow from the record ---


def test_files_and_page_hold_the_derived_sizes():
    stale = [path.name for path, text in written(read_costs()).items() if path.read_text("utf8") != text]
    assert not stale, f"{stale} hold other sizes than book/records/notebook_costs.json gives: tools/size_hub.py --write"


def test_every_number_that_a_hub_shares_out_is_derived():
    """A size typed by hand would stay when the record changes."""
    for path in (HUB / "kubernetes").glob("values_*.yaml"):
        for line in path.read_text("utf8").splitlines():
            if re.match(r"\s*(guarantee|limit|capacity|activeServerLimit|OMP_NUM_THREADS):", line):
                assert "  # size: " in line, f"{path.name}: {line}"


def example_costs(**changes):
    row = {
        "peak_mb": 1000,
        "resting_mb": 800,
        "cpu_seconds": 90,
        "seconds": 60,
        "disk_mb": 100,
        "dearest_cell": {"id": "train", "cpu_seconds": 60, "seconds": 30},
    }
    server = {"peak_mb": 200, "resting_mb": 100}
    return Costs({"server": server, "notebooks": {"a_book": row | changes}, "circumstances": {"threads": 2}})


def test_sizes_by_hand():
    """The same sums on paper: 1.2 GB times 1.2 are 1.34 GiB; 60 CPU seconds within 60 + 3 × 30 seconds."""
    one = sizes(example_costs(), 200)
    assert one.memory_guarantee == 1.4
    assert one.memory_limit == 3.2  # 1.2 × (0.2 + 1.0 + 2 × 0.8) GB = 3.13 GiB
    assert one.cpu_guarantee == 0.4
    assert (one.spare, one.active_servers) == (20, 220)
    assert one.people_a_node == 37  # 15 cores / 0.4; the memory would hold 41
    assert one.nodes == 6
    assert one.machine_memory == 310
    assert one.machine_cpus == 89


def test_a_node_is_full_when_memory_cores_or_pods_are():
    assert sizes(example_costs(), 20, node_cpus=1000, node_memory=64).people_a_node == 41
    assert sizes(example_costs(), 20, node_cpus=1000, node_memory=4000).people_a_node == size_hub.PODS_A_NODE
    with pytest.raises(ValueError, match="too small for one person"):
        sizes(example_costs(), 20, node_cpus=2, node_memory=7)


def test_more_haste_costs_more_cores():
    costs = read_costs()
    by_haste = [costs.cores_when_all_press(seconds) for seconds in (0, 60, 300)]
    assert by_haste == sorted(by_haste, reverse=True)
    assert by_haste[-1] > 0
    assert costs.cores_on_average < by_haste[1]


@pytest.mark.parametrize("people", size_hub.FILES)
def test_what_is_promised_fits(people):
    costs = read_costs()
    one = sizes(costs, people)
    assert one.memory_guarantee < one.memory_limit
    assert one.cpu_guarantee <= one.cpu_limit
    assert one.memory_guarantee * GIB > costs.peak + costs.server
    assert one.nodes * one.people_a_node >= one.active_servers
    assert one.people_a_node * one.memory_guarantee <= size_hub.NODE_MEMORY - size_hub.NODE_RESERVED_MEMORY


def test_writing_replaces_only_what_is_marked():
    text = "a: 1  # size: spare\nb: 1  # of size: spare\nc: 1\n"
    assert with_sizes(text, {"spare": "7"}) == "a: 7  # size: spare\nb: 1  # of size: spare\nc: 1\n"
    with pytest.raises(ValueError, match="'spair'"):
        with_sizes("a: 1  # size: spair\n", {"spare": "7"})
    with pytest.raises(ValueError, match="known"):
        with_sizes("a: 1\n", {"spare": "7"})
    mark = size_hub.BLOCK.format(name="sizes")
    assert with_blocks(f"x\n{mark}\n\nold\n\n{mark}\ny", {"sizes": "new"}) == f"x\n{mark}\n\nnew\n\n{mark}\ny"
    with pytest.raises(ValueError, match="twice"):
        with_blocks("no marks", {"sizes": "new"})


def test_a_table_is_markdown():
    assert markdown_table(["", "20"], [["nodes", 3]]) == "|  | 20 |\n| --- | ---: |\n| nodes | 3 |"


# --- the record ---


def test_the_record_holds_every_notebook():
    assert list(read_costs().rows) == [path.stem for path in notebook_paths()]


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_the_record_was_made_with_this_notebook(path):
    row = read_costs().rows[path.stem]
    assert not is_out_of_date(row, read(path)), (
        f"{path.stem} has changed since its cost was measured: "
        f"run tools/record_notebook_costs.py --only {path.stem}, then tools/size_hub.py --write"
    )


@pytest.mark.parametrize("name", read_costs().rows)
def test_no_notebook_takes_more_memory_than_it_may(name):
    peak = read_costs().rows[name]["peak_mb"]
    assert peak <= limit_mb(name), (
        f"{name} took {peak} MB when it was measured, {limit_mb(name)} MB are allowed: let it hold less, "
        f"then run tools/record_notebook_costs.py --only {name}"
    )


@pytest.mark.parametrize("name", read_costs().rows)
def test_on_a_quiet_machine_no_notebook_takes_longer_than_it_may(name):
    assert read_costs().rows[name]["seconds"] <= seconds_allowed(name)


def test_one_notebook_needs_more_memory_than_the_others_and_says_so():
    assert set(LIMITS_MB) == {"13_scaling_out"}
    costs = read_costs().rows["13_scaling_out"]
    assert costs["peak_mb"] > LIMIT_MB, "it no longer needs an exception: take it out of LIMITS_MB"
    assert costs["processes"] >= 4
    assert "2.5 GB of memory" in read(ROOT / "notebooks" / "13_scaling_out.ipynb").cells[0].source


def test_measured_numbers_are_plausible():
    for name, row in read_costs().rows.items():
        assert 100 < row["peak_mb"] < 20_000, name
        assert row["resting_mb"] <= row["peak_mb"], name
        assert row["peak_mb"] == pytest.approx(row["peak_own_mb"] + row["peak_files_mb"], abs=1)
        assert row["dearest_cell"]["cpu_seconds"] <= row["cpu_seconds"] + 0.1, name
        assert row["processes"] >= 1


def test_libraries_count_up_to_a_bound():
    """What the system maps just after an installation, without being asked, is not what a notebook needs."""
    recorded = read_costs().rows["02_autograd"]["peak_files_mb"]
    usual, installed = (Memory(10**9, files * 10**6, rss=0, processes=1) for files in (recorded, 999))
    assert needed_mb(usual, "02_autograd") == 1000 + recorded
    assert needed_mb(installed, "02_autograd") == round(1000 + 1.1 * recorded)
    assert needed_mb(installed, "not_recorded") == 1999


FORKS = """
import os, time
ours = bytearray(os.urandom(1)) * 100_000_000
for _ in range(2):
    if os.fork() == 0:
        time.sleep(60)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux says what processes share")
def test_memory_that_processes_share_counts_once():
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        try:
            assert program.stdout.readline() == "ready\n"
            with Sampler(program.pid) as sampler:
                result = sampler.result()
        finally:
            os.killpg(program.pid, signal.SIGKILL)
    assert result["processes"] == 3
    assert result["peak_rss_mb"] > 300, "three processes, each with the same 100 MB"
    assert 100 < result["peak_mb"] < 180


def notebook_of(*sources):
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def row_of(*sources, heavy=()):
    return {"heavy_cells": [cell_digest(source) for source in heavy], "cells": " ".join(map(cell_digest, sources))}


def test_a_typo_does_not_make_the_record_stale_but_code_does():
    cell = 'for epoch in range(3):  # slow\n    print("loss", epoch)'
    reworded = 'for epoch in range(3):\n\n    print("the loss is", epoch)'
    longer = 'for epoch in range(30):\n    print("loss", epoch)'
    assert cell_digest(cell) == cell_digest(reworded)
    assert cell_digest(cell) != cell_digest(longer)
    assert cell_digest("%%writefile x.py\na = 1") == cell_digest("%%writefile y.py\na = 1  # one")
    assert cell_digest("%%writefile x.py\na = 1") != cell_digest("%%writefile x.py\na = 2")
    assert cell_digest("print 'old'") != cell_digest("print 'older'")  # no Python of today
    assert cell_digest("def f(): pass") == "6dbc5def"  # with every Python, also with those that know of more fields
    light = [f"x = {i}" for i in range(10)]
    row = row_of(cell, *light, heavy=[cell])
    assert not is_out_of_date(row, notebook_of(reworded, *light))
    assert not is_out_of_date(row, notebook_of(cell, "y = 0", *light[1:]))
    assert is_out_of_date(row, notebook_of(longer, *light))
    assert is_out_of_date(row, notebook_of(cell, "y = 0", "z = 0", *light[2:]))
    assert is_out_of_date(None, notebook_of(cell))


# --- the image and Binder ---


BROUGHT_BY = {"sklearn": "scikit-learn", "IPython": "ipykernel", "PIL": "torchvision", "pandas": "seaborn"}


def instructions(text):
    """Return the instructions of a Dockerfile as (name, rest), continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    return [tuple(line.strip().split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def faults(text):
    """Return what is wrong with a Dockerfile."""
    found = []
    lines = instructions(text)
    for name, rest in lines:
        if name == "FROM" and not re.fullmatch(r"(python|quay\.io/jupyter/[\w-]+):\d+\.\d+\.\d+[\w.-]*", rest):
            found.append(f"the base is not pinned to a version: {rest}")
        if name == "ADD":
            found.append(f"COPY is enough: {rest}")
        if name == "COPY":
            *sources, _target = [word for word in rest.split() if not word.startswith("--")]
            found += [f"{source} is not in the project" for source in sources if not (ROOT / source).exists()]
        if name == "RUN":
            for command in re.split(r"&&|;|\bthen\b", rest):
                if "pip install" in command and "--constraint constraints.txt" not in command:
                    found.append(f"installs what nobody tested: {command.strip()}")
                if "apt-get install" in command and not {"--yes", "--no-install-recommends"} <= set(command.split()):
                    found.append(f"waits for an answer, or brings along too much: {command.strip()}")
        if name in ("ARG", "ENV") and re.search(r"(?i)secret|token|password", rest):
            found.append(f"a secret stays in the image's history: {rest}")
        if "latest" in rest:
            found.append(f"latest is another version tomorrow: {rest}")
    users = [rest for name, rest in lines if name == "USER"]
    if not users or users[-1] in ("root", "0"):
        found.append("people would be root in it")
    return found


def test_the_image_is_sound():
    assert faults(DOCKERFILE) == []
    assert "jupyterhub" in (HUB / "requirements.txt").read_text("utf8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("FROM python:3.13.5-slim-bookworm", "FROM python:3", "not pinned"),
        ("USER $NB_UID", "USER root", "root"),
        ("COPY notebooks ", "COPY notebook ", "not in the project"),
        (" --requirement hub.txt --constraint constraints.txt", " --requirement hub.txt", "nobody tested"),
        ("--yes --no-install-recommends", "--no-install-recommends", "waits"),
        ('ARG TORCH_INDEX=""', 'ARG TOKEN="x"', "secret"),
        ("LICENSE /srv", "LICENSE:latest /srv", "latest"),
    ],
)
def test_faults_of_an_image_are_found(old, new, words):
    assert old in DOCKERFILE
    assert any(words in fault for fault in faults(DOCKERFILE.replace(old, new)))


def test_the_image_takes_what_runs_the_notebooks_and_no_more():
    assert r"sed '/^# --- build the book ---$/,$d' requirements.txt" in DOCKERFILE
    names = set(notebook_requirements())
    assert {"torch", "torchvision", "jupyterlab", "ipykernel", "onnx"} <= names
    assert not names & {"jupyter-book", "playwright", "pytest"}
    imported = {
        match
        for path in notebook_paths()
        for cell in read(path).cells
        if cell.cell_type == "code"
        for match in re.findall(r"^(?:from|import) (\w+)", cell.source, flags=re.MULTILINE)
    }
    sources = "\n".join(cell.source for path in notebook_paths() for cell in read(path).cells)
    own = set(re.findall(r"(\w+)\.py\b", sources))  # files that chapters write and import
    third_party = imported - set(sys.stdlib_module_names) - own
    assert {"torch", "matplotlib", "sklearn"} <= third_party
    lacking = {name for name in third_party if BROUGHT_BY.get(name, name) not in names}
    assert not lacking, f"notebooks import {lacking}, which the image lacks"


def test_binder_gets_the_same_packages():
    environment = load(ROOT / ".binder" / "environment.yml")["dependencies"]
    from_conda = [line for line in environment if isinstance(line, str)]
    (from_pip,) = [line["pip"] for line in environment if isinstance(line, dict)]
    names = {"pytorch-cpu": "torch"}
    wanted = {}
    for line in [*from_conda, *from_pip]:
        requirement = Requirement(re.sub(r"(?<![<>=!])=(?!=)", "==", line))
        wanted[names.get(requirement.name, requirement.name)] = requirement.specifier
    del wanted["python"], wanted["pip"]
    assert wanted == {name: requirement.specifier for name, requirement in notebook_requirements().items()}


# --- the links ---


def test_a_link_fetches_the_repository_and_opens_the_notebook():
    link = hub_link("https://hub.example.org/", "https://example.org/a/book.git", "main", "notebooks/01_tensors.ipynb")
    parts = urlsplit(link)
    assert (parts.netloc, parts.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    assert parse_qs(parts.query, strict_parsing=True) == {
        "repo": ["https://example.org/a/book.git"],
        "branch": ["main"],
        "targetpath": ["book"],
        "urlpath": ["lab/tree/book/notebooks/01_tensors.ipynb"],
    }
    assert hub_link("https://h.org/hub", "https://e.org/b", "x", "a b.ipynb").startswith("https://h.org/hub/user-re")
    assert "a%20b.ipynb" in hub_link("https://h.org/jupyter", "https://e.org/b", "x", "a b.ipynb")


@pytest.mark.parametrize(
    ("hub", "repository", "words"),
    [
        ("hub.example.org", "https://e.org/b", "should begin with https://"),
        ("https://hub.example.org", "git@github.com:a/b.git", "should begin with https://"),
        ("https://hub.example.org", "https://me:secret@e.org/b", "every learner would see"),
        ("https://hub.example.org?next=1", "https://e.org/b", "Leave out"),
        ("https://hub.example.org", "https://e.org/", "end in its name"),
    ],
)
def test_a_bad_address_gets_one_clear_sentence(hub, repository, words):
    with pytest.raises(ValueError, match=words):
        hub_link(hub, repository, "main", "01_tensors.ipynb")


def links(*arguments, **environment):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("BOOK_")} | environment
    command = [sys.executable, "tools/hub_links.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_link_maker_as_a_program():
    finished = links("https://hub.example.org", BOOK_REPOSITORY_URL="https://github.com/me/book")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [path.stem for path in notebook_paths()]
    for line in lines:
        (path,) = parse_qs(urlsplit(line.split()[1]).query)["urlpath"]
        assert (ROOT / Path(path).relative_to("lab/tree/book")).exists()
    unknown = links("https://hub.example.org", "99_nothing", BOOK_REPOSITORY_URL="https://github.com/me/book")
    assert (unknown.returncode, "there is no notebook 99_nothing" in unknown.stderr) == (2, True)
    homeless = links("https://hub.example.org", BOOK_REPOSITORY_URL="")
    assert (homeless.returncode, "name one with --repository" in homeless.stderr) == (2, True)


# --- the page about marking ---


def marked_examples():
    """Return the Python blocks of the page about marking: answers, and tests with their hidden part."""
    text = (ROOT / "book" / "teaching" / "marking.md").read_text("utf8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_the_examples_for_marking_tell_right_from_wrong():
    nbgrader_answer, nbgrader_tests, otter_answer, otter_test, otter_hidden = marked_examples()
    for answer, tests in ((nbgrader_answer, nbgrader_tests), (otter_answer, otter_test + otter_hidden)):
        names = {}
        exec(f"import torch\n{answer}\n{tests}", names)
        visible_only = "import torch\ndef mean_square(errors):\n    return (errors**2).sum() / len(errors)\n"
        with pytest.raises(AssertionError, match="any shape"):
            exec(visible_only + tests, {})
        with pytest.raises(AssertionError, match=r"Replace the \.\.\."):
            exec("import torch\ndef mean_square(errors):\n    ...\n" + tests, {})


def test_the_metadata_for_nbgrader_is_complete():
    text = (ROOT / "book" / "teaching" / "marking.md").read_text("utf8")
    answer, tests = (json.loads(block)["nbgrader"] for block in re.findall(r"^```json\n(.*?)^```", text, re.M | re.S))
    keys = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
    assert (set(answer), set(tests)) == (keys, keys | {"points"})
    assert (answer["solution"], answer["locked"]) == (True, False), "learners write here"
    assert (tests["grade"], tests["locked"]) == (True, True), "and not here"
