"""What the workflows' own scripts do, with programs in place of GitHub's."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import run

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
JOBS = {
    f"{name}/{job}": content
    for name, workflow in WORKFLOWS.items()
    for job, content in workflow["jobs"].items()
}
RUN = {"GITHUB_SERVER_URL": "https://example.org", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}


@pytest.fixture
def step(tmp_path):
    """A function that runs the script of a job's last step, with this as `gh`: the calls of gh."""

    def run(job, gh, folder=tmp_path, **environment):
        program = tmp_path / "bin" / "gh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/log"\n{gh}\n', encoding="utf-8")
        program.chmod(0o755)
        last = JOBS[job]["steps"][-1]
        written = {key: value for key, value in last["env"].items() if "${{" not in value}
        path = f"{program.parent}:/usr/local/bin:/usr/bin:/bin"
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", last["run"]],
            cwd=folder,
            env={"PATH": path, "HOME": str(tmp_path), **RUN, **written, **environment},
            check=True,
            timeout=60,
        )
        return (tmp_path / "log").read_text(encoding="utf-8").splitlines()

    return run


@pytest.mark.parametrize(
    ("open_issue", "expected"),
    [
        ("", "issue create --title The weekly run has failed --body {}"),
        ("12", "issue comment 12 --body {}"),
    ],
)
def test_a_failed_weekly_run_opens_an_issue_or_adds_to_the_open_one(step, open_issue, expected):
    calls = step("scheduled/report", f'case "$2" in list) echo "{open_issue}";; esac')
    assert calls[0].startswith("issue list --search in:title The weekly run has failed")
    assert calls[1:] == [expected.format("https://example.org/a/b/actions/runs/7")]


def test_every_other_job_of_the_weekly_run_is_reported():
    assert set(JOBS["scheduled/report"]["needs"]) == set(WORKFLOWS["scheduled"]["jobs"]) - {
        "report"
    }


def test_the_readers_edition_grows_by_a_commit_where_it_has_changed(step, tmp_path):
    server, edition = tmp_path / "server", tmp_path / "edition"
    subprocess.run(["git", "init", "--quiet", "--bare", server / "a" / "b"], check=True)
    for number, name in enumerate(("old", "new", "new")):
        edition.mkdir()
        (edition / f"{name}.ipynb").write_text(name, encoding="utf-8")
        (edition / "postBuild").touch(mode=0o644)
        where = {"GITHUB_SERVER_URL": str(server), "GITHUB_SHA": f"sha-{number}"}
        assert step("ci/edition", "", edition, **where)[-1] == "auth setup-git"
        edition.rename(tmp_path / f"edition-{number}")
        (tmp_path / "bin").rename(tmp_path / f"bin-{number}")
    git = ["git", "-C", str(server / "a" / "b")]
    for command, expected in {
        "log --format=%s edition": "The readers' edition of sha-1\nThe readers' edition of sha-0\n",
        "ls-tree -r --format=%(objectmode)%(path) edition": "100644new.ipynb\n100755postBuild\n",
        "branch --format=%(refname:short)": "edition\n",
    }.items():
        assert subprocess.check_output([*git, *command.split()], text=True) == expected


def test_only_the_jobs_that_publish_may_write():
    assert [w["permissions"] for w in WORKFLOWS.values()] == [{"contents": "read"}] * len(WORKFLOWS)
    assert {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job} == {
        "ci/deploy": {"pages": "write", "id-token": "write"},
        "ci/edition": {"contents": "write"},
        "release/publish": {"contents": "write"},
        "scheduled/report": {"issues": "write"},
    }


def test_commands_in_the_workflows_exist():
    scripts = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    called = re.findall(r"(?:make|run\.py) ([a-z ]+)", scripts)
    assert called and {word for line in called for word in line.split()} <= set(run.commands())
