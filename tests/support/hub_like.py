"""A server on this machine that speaks as much of the hub as an upload needs: repositories, LFS and commits."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c" * 40


class HubLike(ThreadingHTTPServer):
    """``files`` are what commits brought, by repository and path; ``forbidden`` answers every write with 403."""

    daemon_threads = True

    def __init__(self, *, forbidden: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forbidden = forbidden
        self.repos: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.tokens: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub_like(**options: Any) -> Iterator[HubLike]:
    """The server, running; every request of its clients is answered by this process."""
    server = HubLike(**options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: HubLike

    def log_message(self, *_: Any) -> None:
        return

    def do_POST(self) -> None:
        body = self._body()
        self.server.tokens.add(self.headers.get("Authorization", ""))
        if self.server.forbidden:
            self._answer(403, {"error": "Forbidden: you have no write access here"})
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            status = 409 if name in self.server.repos else 200
            self.server.repos.add(name)
            self._answer(status, {"url": f"{self.server.address}/datasets/{name}", "name": name, "type": asked["type"]})
        elif "/preupload/" in self.path:
            files = [
                {"path": each["path"], "uploadMode": "lfs" if each["path"].endswith(".parquet") else "regular",
                 "shouldIgnore": False}
                for each in json.loads(body)["files"]
            ]  # fmt: skip
            self._answer(200, {"files": files})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {"oid": each["oid"], "size": each["size"],
                 "actions": {"upload": {"href": f"{self.server.address}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]  # fmt: skip
            self._answer(200, {"transfer": "basic", "objects": objects})
        elif "/commit/" in self.path:
            self._commit(body)
        else:
            self._answer(404, {"error": self.path})

    def do_PUT(self) -> None:
        content = self._body()
        oid = self.path.rpartition("/")[2]
        if hashlib.sha256(content).hexdigest() != oid:
            self._answer(400, {"error": "not what its name says"})
            return
        self.server.objects[oid] = content
        self._answer(200, {})

    def _commit(self, body: bytes) -> None:
        repo = self.path.split("/api/datasets/")[1].split("/commit/")[0]
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "lfsFile":
                content = self.server.objects[entry["value"]["oid"]]
            elif entry["key"] == "file":
                content = base64.b64decode(entry["value"]["content"])
            else:
                continue
            self.server.files[f"{repo}/{entry['value']['path']}"] = content
        self._answer(200, {"commitUrl": f"{self.server.address}/{repo}/commit/{COMMIT}", "commitOid": COMMIT})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
