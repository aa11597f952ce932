"""What GitHub runs and shows: workflows that can do no harm, forms and templates that parse."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from leaderboard.ledger.authority import read_maintainers

GITHUB = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.y*ml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PINNED = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[0-9a-f]{40}\Z")


def read(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    found = workflow[True]
    return found if isinstance(found, dict) else dict.fromkeys([found] if isinstance(found, str) else found)


def steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


def test_the_workflows_are_there() -> None:
    assert {"ci.yml", "submission.yml"} <= {path.name for path in WORKFLOWS}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_reads_and_no_more_unless_it_deploys(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] in ({"contents": "read"}, {})
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 120, name
        granted = job.get("permissions", {})
        # A site is deployed by a job that does nothing else; no other may write anything.
        if any(level == "write" for level in granted.values()):
            assert set(granted) <= {"pages", "id-token", "contents"}
            assert granted.get("contents", "read") == "read"
            assert not any("run" in step for step in job["steps"]), name
            assert "pull_request_target" not in triggers(workflow)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_says_its_release(path: Path) -> None:
    used = [step["uses"] for step in steps(read(path)) if "uses" in step]
    assert used
    for uses in used:
        assert PINNED.match(uses), uses
        assert re.search(rf"uses: {re.escape(uses)} # v[0-9]+\.[0-9]+\.[0-9]+\n", path.read_text("utf-8")), uses
    for job in read(path)["jobs"].values():
        assert "uses" not in job, "a workflow of others would run with what it names"


def test_one_release_of_an_action_everywhere() -> None:
    used = {step["uses"].split("@")[0]: set() for path in WORKFLOWS for step in steps(read(path)) if "uses" in step}
    for path in WORKFLOWS:
        for step in steps(read(path)):
            if "uses" in step:
                used[step["uses"].split("@")[0]].add(step["uses"])
    assert all(len(versions) == 1 for versions in used.values()), used


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_script_is_written_by_an_event(path: Path) -> None:
    """An expression in a script is pasted into it before it runs; environment variables are not."""
    for step in steps(read(path)):
        assert "${{" not in step.get("run", "")
        assert step.get("shell", "bash") == "bash"
        for value in step.get("env", {}).values():
            allowed = r"\$\{\{ github\.event\.pull_request\.(number|user\.login) \}\}|[^$]*"
            assert re.fullmatch(allowed, str(value)), value


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    for step in steps(read(path)):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
            assert "github.event.pull_request.head" not in str(step["with"])
            assert "github.head_ref" not in str(step["with"])


PRIVILEGED = [path for path in WORKFLOWS if {"pull_request_target", "workflow_run"} & triggers(read(path)).keys()]


def test_only_the_validation_of_submissions_runs_beside_a_pull_request() -> None:
    assert [path.name for path in PRIVILEGED] == ["ledger.yml", "submission.yml"]


@pytest.mark.parametrize("path", PRIVILEGED, ids=lambda path: path.name)
def test_a_privileged_workflow_touches_nothing_of_the_pull_request_but_data(path: Path) -> None:
    workflow, text = read(path), path.read_text("utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    paths = {
        "submission.yml": ["submissions/**", "leaderboard/data/bases/**"],
        "ledger.yml": ["leaderboard/data/events/**"],
    }
    assert triggers(workflow)["pull_request_target"]["paths"] == paths[path.name]
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets" not in code
    assert "cache" not in code
    assert "artifact" not in code
    assert not re.search(r"GITHUB_(ENV|PATH|OUTPUT|STEP_SUMMARY)", code)
    assert not re.search(r"git (checkout|switch|merge|pull|worktree|submodule|apply|am)\b", code)
    expressions = set(re.findall(r"\$\{\{ *([^}]*?) *\}\}", code))
    used = ("number", "base.ref", "user.login")
    assert expressions == {f"github.event.pull_request.{name}" for name in used}
    (checkout,) = (step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.ref }}"
    runs = [step["run"] for step in steps(workflow) if "run" in step]
    (fetch,) = re.findall(r"git fetch .*", code)
    assert "--filter=blob:limit=" in fetch
    assert "--no-recurse-submodules" in fetch
    # What prints text of the author's is kept from speaking to the runner.
    for script in runs:
        if "retention" in script:
            assert script.index("::stop-commands::") < script.index("retention") < script.index("::$quiet::")
            assert script.rstrip().endswith('exit "$status"')


def test_the_commands_of_the_workflows_are_there() -> None:
    import click

    from leaderboard.cli import cli

    called = {
        tuple(found.split())
        for path in WORKFLOWS
        for step in steps(read(path))
        for found in re.findall(r"retention ((?:[a-z]+ )?[a-z-]+)", step.get("run", ""))
    }
    assert called
    for words in called:
        command: click.Command | None = cli
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
            assert command is not None, words


def test_the_owners_of_the_code_are_the_maintainers_of_the_board() -> None:
    """Whoever is listed owns everything, events and the list itself by name."""
    lines = [line.split() for line in (GITHUB / "CODEOWNERS").read_text().splitlines() if line and line[0] != "#"]
    listed = read_maintainers(GITHUB.parent / "leaderboard/data/maintainers.yaml").maintainers
    owners = {f"@{each.handle}" for each in listed if each.until is None}
    assert owners
    assert all(set(names) == owners for _, *names in lines)
    assert {"*", "/leaderboard/data/events/", "/leaderboard/data/maintainers.yaml"} <= {path for path, *_ in lines}


def test_ci_is_the_script_that_runs_anywhere() -> None:
    workflow = read(GITHUB / "workflows" / "ci.yml")
    assert [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step] == [".ci/run"]
    assert {"push", "pull_request"} <= triggers(workflow).keys()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one(path: Path) -> None:
    form = read(path)
    assert form.keys() <= {"name", "description", "title", "labels", "body"}
    assert form["name"]
    assert form["description"]
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) >= 4
    for part in form["body"]:
        assert part["type"] in {"markdown", "input", "textarea", "dropdown", "checkboxes"}
        assert part.keys() <= {"type", "id", "attributes", "validations"}
        if part["type"] == "markdown":
            assert part["attributes"]["value"]
        else:
            assert re.fullmatch(r"[a-z-]+", part["id"])
            assert part["attributes"]["label"]
        if part["type"] in ("dropdown", "checkboxes"):
            options = part["attributes"]["options"]
            assert len(options) == len({str(option) for option in options}) >= 2


def test_the_forms_and_the_template_ask_for_what_is_needed() -> None:
    assert [path.name for path in FORMS] == ["request-evaluation.yml", "wrong-number.yml"]
    required = {
        path.name: {part["id"] for part in read(path)["body"] if part.get("validations", {}).get("required")}
        for path in FORMS
    }
    assert required["request-evaluation.yml"] >= {"base", "tuned", "target", "method", "data"}
    assert required["wrong-number.yml"] >= {"cell", "where", "shown", "due"}
    template = (GITHUB / "PULL_REQUEST_TEMPLATE.md").read_text("utf-8")
    assert "retention submit validate" in template
    assert "make check" in template


def test_the_methods_of_the_form_are_those_of_the_manifest() -> None:
    from leaderboard.documents.manifest import Method

    (method,) = (part for part in read(FORMS[0])["body"] if part.get("id") == "method")
    families = Method.model_fields["family"].annotation.__args__  # type: ignore[union-attr]
    assert set(method["attributes"]["options"]) == {*families, "not known"}


def test_a_release_is_tried_before_it_is_published_and_needs_no_password() -> None:
    workflow = read(GITHUB / "workflows" / "release.yml")
    assert triggers(workflow) == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    runs = [step["run"] for step in build["steps"] if "run" in step]
    assert runs[0] == ".ci/run"
    assert runs[-1] == "make dist"
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"]["name"] == "pypi"
    assert "secrets" not in (GITHUB / "workflows" / "release.yml").read_text("utf-8")


def test_commits_are_checked_by_the_tools_of_make_check() -> None:
    hooks = [hook for repo in read(GITHUB.parent / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert all(hook["language"] == "system" for hook in hooks)
    before_a_commit = {hook["entry"].removeprefix(".venv/bin/").split(" --")[0] for hook in hooks}
    recipes = (GITHUB.parent / "Makefile").read_text("utf-8")
    in_make = re.findall(r"\b(ruff check|ruff format|mypy|lint-imports)\b", recipes)
    assert before_a_commit == set(in_make)


def test_the_makefile_explains_every_target() -> None:
    recipes = (GITHUB.parent / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", recipes, re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.*## \S", recipes, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", recipes, re.MULTILINE)
    assert targets == explained == set(phony.split())
