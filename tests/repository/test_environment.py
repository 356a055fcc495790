"""environment.yml, for conda and Binder, asks for what pyproject.toml asks for."""

import copy
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import lectures_code

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))

# What conda-forge calls our dependencies where it does not call them as the package index does.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}
# What a reader needs besides: a Python, the means to install our package, a place to open chapters.
BESIDES = {"python", "pip", "jupyterlab"}


def disagreements(project, environment):
    """Say where `environment` does not ask for what `project` needs to run, and for that alone."""
    needed = {r.name: r.specifier for r in map(Requirement, project["project"]["dependencies"])}
    needed = {CONDA_NAMES.get(name, name): specifier for name, specifier in needed.items()}
    entries = environment["dependencies"]
    # Conda writes python=3.12 for what the package index writes as python==3.12.*
    texts = [
        f"{name}=={exact}.*" if exact and name.isalpha() else entry
        for entry in entries
        if isinstance(entry, str)
        for name, _, exact in [entry.partition("=")]
    ]
    asked = {r.name: r.specifier for r in map(Requirement, texts)}
    with_pip = [name for entry in entries if isinstance(entry, dict) for name in entry["pip"]]

    found = [f"{name} is missing" for name in needed.keys() - asked.keys()]
    found += [f"{name} is not needed" for name in asked.keys() - needed.keys() - BESIDES]
    found += [
        f"{name} is {asked[name] or 'any'}, not {needed[name]}"
        for name in needed.keys() & asked.keys()
        if asked[name] != needed[name]
    ]
    if with_pip != ["."]:
        found.append(f"pip installs {with_pip}, not the package alone")
    if environment["channels"] != ["conda-forge", "nodefaults"]:
        found.append(f"channels are {environment['channels']}")
    python = next(iter(asked["python"]), None) if "python" in asked else None
    if python is None or not SpecifierSet(project["project"]["requires-python"]).contains(
        python.version.removesuffix(".*")
    ):
        found.append(f"python is {python}, not {project['project']['requires-python']}")
    return found


def test_environment_asks_for_what_the_package_needs():
    assert disagreements(PROJECT, ENVIRONMENT) == []


@pytest.mark.parametrize(
    ("entry", "replacement", "expected"),
    [
        ("tqdm>=4.66", None, "tqdm is missing"),
        ("tqdm>=4.66", "tqdm", "tqdm is any, not >=4.66"),
        ("tqdm>=4.66", "tqdm>=4.66,!=4.67.*", "tqdm is !=4.67.*,>=4.66, not >=4.66"),
        ("pytorch-cpu>=2.4", "pytorch-cpu>=2.1", "pytorch-cpu is >=2.1, not >=2.4"),
        ("pytorch-cpu>=2.4", "pytorch>=2.4", "pytorch-cpu is missing"),
        ("tqdm>=4.66", "sphinx", "sphinx is not needed"),
        ("python=3.12", "python=3.10", "python is ==3.10.*, not >=3.11"),
        ("python=3.12", None, "python is None, not >=3.11"),
        ({"pip": ["."]}, {"pip": [".", "myst-nb"]}, "pip installs ['.', 'myst-nb']"),
        ({"pip": ["."]}, None, "pip installs [], not the package alone"),
    ],
)
def test_a_disagreement_is_found(entry, replacement, expected):
    environment = copy.deepcopy(ENVIRONMENT)
    place = environment["dependencies"].index(entry)
    environment["dependencies"][place : place + 1] = [] if replacement is None else [replacement]
    assert any(expected in found for found in disagreements(PROJECT, environment))


def test_a_new_dependency_is_missed_in_the_environment():
    project = copy.deepcopy(PROJECT)
    project["project"]["dependencies"].append("highspy>=1.7")
    assert disagreements(project, ENVIRONMENT) == ["highspy is missing"]


def lowest(requirements):
    """The line of a constraints file for each requirement: its lower bound, exactly."""
    for requirement in map(Requirement, requirements):
        (bound,) = (each for each in requirement.specifier if each.operator == ">=")
        yield f"{requirement.name}=={bound.version}"


def test_the_lowest_versions_are_those_of_the_ranges():
    project = PROJECT["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["sample"]
    text = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == sorted(lowest(declared))


def test_a_range_without_a_lower_bound_or_with_two_has_no_lowest_version():
    assert list(lowest(["a>=1.2,!=1.3.*", "b>=3"])) == ["a==1.2", "b==3"]
    for open_range in ("a", "a<2", "a>=1,>=2"):
        with pytest.raises(ValueError, match="to unpack"):
            list(lowest([open_range]))


def pins():
    """The exact versions that the book is built with, by package."""
    groups = PROJECT["dependency-groups"].values()
    return {r.name: r.specifier for group in groups for r in map(Requirement, group)}


def test_exact_versions_lie_in_the_ranges_that_the_package_admits():
    sample = PROJECT["project"]["optional-dependencies"]["sample"]
    for requirement in map(Requirement, PROJECT["project"]["dependencies"] + sample):
        (pin,) = pins()[requirement.name]
        assert pin.operator == "==" and requirement.specifier.contains(pin.version), requirement


def test_every_group_pins_exact_versions():
    for name, specifier in pins().items():
        assert [s.operator for s in specifier] == ["=="], f"{name} is {specifier or 'any'}"


def test_the_citation_names_the_packages_version():
    """CONTRIBUTING.md says to change both for a release."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == lectures_code.__version__


def test_the_repository_has_one_address_everywhere():
    """CONTRIBUTING.md lists these places for the day on which the repository moves."""
    address = PROJECT["project"]["urls"]["Repository"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == citation["repository-code"] == address
