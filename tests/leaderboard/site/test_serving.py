"""The preview: this machine only, fresh files, a build for each change and none without."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from harness.errors import RetentionError
from leaderboard.site.serving import HOST, Preview


class Site:
    """A watched folder whose only file becomes the page."""

    def __init__(self, root: Path) -> None:
        self.source, self.out = root / "source", root / "out"
        self.source.mkdir()
        self.out.mkdir()
        self.said: list[str] = []
        self.builds = 0
        (self.source / "page").write_text("one")
        self.preview = Preview(self.out, [self.source, root / "missing"], self.build, self.said.append, 0)

    def build(self) -> None:
        self.builds += 1
        text = (self.source / "page").read_text()
        if text == "bad":
            raise RetentionError("page: is bad")
        if text == "worse":
            raise KeyError("template")
        (self.out / "index.html").write_text(text)

    def get(self, path: str = "/") -> tuple[int, str, str | None]:
        connection = HTTPConnection(HOST, self.preview.server.server_address[1], timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), answer.getheader("Cache-Control")
        connection.close()
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    thread = threading.Thread(target=made.preview.run)
    thread.start()
    yield made
    made.preview.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def until(true: object) -> None:
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_change_is_built_and_served_fresh(site: Site) -> None:
    until(lambda: site.get()[1] == "one")
    assert site.get()[2] == "no-store"
    (site.source / "page").write_text("another")
    until(lambda: site.get()[1] == "another")
    assert site.builds == 2


def test_a_build_that_fails_is_said_and_the_last_one_stays(site: Site) -> None:
    until(lambda: site.get()[1] == "one")
    (site.source / "page").write_text("bad")
    until(lambda: site.said)
    assert site.said == ["not built: page: is bad"]
    (site.source / "page").write_text("worse")
    until(lambda: len(site.said) == 2)
    assert site.said[1] == "not built: KeyError: 'template'"
    assert site.get()[1] == "one"


def test_nothing_outside_the_folder_is_served(site: Site) -> None:
    until(lambda: site.get()[0] == 200)
    assert site.get("/../source/page")[0] == 404
    assert site.get("/%2e%2e/source/page")[0] == 404


def test_only_this_machine_is_answered(site: Site) -> None:
    assert site.preview.server.server_address[0] == "127.0.0.1"
    assert site.preview.url.startswith("http://127.0.0.1:")


def test_nothing_is_built_without_a_change(tmp_path: Path) -> None:
    made = Site(tmp_path)
    try:
        assert [made.preview.refresh() for _ in range(3)] == [True, False, False]
        (made.source / "new").write_text("x")
        assert made.preview.refresh()
        (made.source / "new").unlink()
        assert made.preview.refresh()
        assert made.builds == 3
    finally:
        made.preview.server.server_close()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(RetentionError, match=r"--port [0-9]+: cannot be used"):
            Preview(tmp_path, [], lambda: None, print, taken.getsockname()[1])


def test_a_browser_that_leaves_early_is_passed_over_in_silence(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    (site.out / "large").write_bytes(bytes(50_000_000))
    server = site.preview.server
    ended, shutdown = threading.Event(), server.shutdown_request

    def watched(request: object) -> None:
        shutdown(request)  # type: ignore[arg-type]
        ended.set()

    server.shutdown_request = watched  # type: ignore[method-assign,assignment]
    with socket.create_connection(server.server_address[:2]) as browser:
        # Closed without a farewell, which the server notices while it still writes.
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        browser.recv(1)
    assert ended.wait(20)
    assert capfd.readouterr().err == ""
