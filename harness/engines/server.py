"""The server behind engine "openai": its address and its version."""

import os
from functools import cache
from typing import Any

from harness.engines.settings import EngineError

_CONCURRENCY = 64


def base_url(server: str | None) -> str:
    """The server's address without a trailing /v1; ``EngineError`` when there is none."""
    if not server or not server.startswith(("http://", "https://")):
        raise EngineError(f"--server {server or ''}: give the server's address, e.g. --server http://localhost:8000")
    return server.rstrip("/").removesuffix("/v1")


@cache
def server_version(server: str | None) -> str:
    """The version that `vllm serve` reports; "unknown" for a server that reports none."""
    import httpx

    url = base_url(server)
    try:
        with _client(url, 30.0) as client:
            response = client.get("/version")
        version = response.json().get("version") if response.status_code == 200 else None
    except httpx.HTTPError as error:
        raise EngineError(f"--server {url}: cannot be reached ({error}); start it with `vllm serve`") from error
    except (ValueError, AttributeError):
        version = None
    return version if isinstance(version, str) else "unknown"


def _client(url: str, timeout: float) -> Any:
    import httpx

    key = os.environ.get("RETENTION_SERVER_KEY")
    limits = httpx.Limits(max_connections=_CONCURRENCY)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=url, timeout=httpx.Timeout(timeout, connect=10.0), limits=limits, headers=headers)
