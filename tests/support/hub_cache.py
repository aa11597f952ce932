"""The hub's cache on disk, made by hand: blobs, snapshots that link to them, and the commit of a branch."""

import hashlib
from pathlib import Path

COMMIT = "a" * 40


def write_snapshot(cache: Path, repo: str, source: Path, commit: str = COMMIT) -> Path:
    """The snapshot of ``repo`` at ``commit``, which is main, with the files of ``source``; returns its folder."""
    home = cache / f"models--{repo.replace('/', '--')}"
    snapshot = home / "snapshots" / commit
    for folder in (home / "blobs", home / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(commit)
    for path in sorted(source.iterdir()):
        blob = home / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(f"../../blobs/{blob.name}")
    return snapshot
