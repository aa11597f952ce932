"""The hub: upload the full log of a run to the author's data set, pinned by its commit."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import RetentionError
from harness.records import RECORD_FILE, SAMPLES_FILE, FullLog, read_record
from leaderboard.entries import find_secret

REPO = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96}\Z")


class HubError(RetentionError):
    """A log that could not be uploaded; local files stay unchanged."""


def upload_log(repo: str, name: str, run: Path) -> FullLog:
    """Upload the run folder ``run`` to the data set ``repo`` under ``name``/, and return where its samples are now.

    The data set is created if it does not exist. The account is that of ``hf auth login`` or ``HF_TOKEN``. Raises
    :class:`HubError`, before anything is uploaded where the record seems to hold a secret.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    record, samples = read_record(run), run / SAMPLES_FILE
    _refuse_secrets(run / RECORD_FILE)
    path = f"{name}/{SAMPLES_FILE}"
    files = {path: samples, f"{name}/{RECORD_FILE}": run / RECORD_FILE}
    try:
        api = HfApi()
        api.create_repo(repo, repo_type="dataset", exist_ok=True)
        commit = api.create_commit(
            repo,
            [CommitOperationAdd(place, file) for place, file in files.items()],
            commit_message=f"Full log of {name}",
            repo_type="dataset",
        )
    except Exception as error:  # The hub's client raises its HTTP library's errors, which differ by version.
        raise HubError(
            f"--to-hub {repo}: not uploaded ({type(error).__name__}: {str(error).splitlines()[0][:200]}); log in with "
            "`hf auth login` as an account with write access, or leave --to-hub out"
        ) from error
    return FullLog(
        samples_sha256=record.samples_sha256,
        size=samples.stat().st_size,
        cut=0,
        repo=repo,
        revision=commit.oid,
        path=path,
    )


def _refuse_secrets(path: Path) -> None:
    if kind := find_secret(path.read_text(encoding="utf-8", errors="replace")):
        raise HubError(f"{path}: contains what looks like {kind}; nothing was uploaded. Remove it and run again")
