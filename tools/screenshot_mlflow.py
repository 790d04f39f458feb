"""A picture of MLflow's comparison of some networks of an experiment, by a headless Chromium.

Usage: python tools/screenshot_mlflow.py RESULTS OUTPUT.png --network MODEL/seed-S --network ...
[--metric NAME ...]. Starts `mlflow server` on loopback with a store of its own, copies the networks' runs
into it, opens the page that compares them, and stops. Needs Chromium (Debian: `apt-get install chromium`)
and the packages of the extra `test`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS = 600  # s
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--network", action="append", required=True, help="MODEL/seed-S; repeat")
    parser.add_argument("--metric", action="append", default=[], help="shown in the plot; repeat")
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--height", type=int, default=1100)
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"screenshot_mlflow: error: no browser; expected one of {', '.join(BROWSERS)}")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="texshape-mlflow-") as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        networks = [word for name in options.network for word in ("--network", name)]
        subprocess.run(
            [Path(sys.executable).with_name("texshape"), "track", "--resync",
             options.results.resolve(), *networks],
            check=True, cwd=folder, env={**os.environ, "MLFLOW_TRACKING_URI": store},
        )  # fmt: skip
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1", "--backend-store-uri", store],
            cwd=folder, start_new_session=True, env={**os.environ, **QUIET},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(f"{uri}/health", server)
            page = f"{uri}/#/compare-runs?{_query(uri, options.network)}"
            _photograph(browser, page, options)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    print(f"{options.output}: {options.output.stat().st_size / 1000:.0f} kB")


def _wait(address: str, server: subprocess.Popen) -> None:
    for _ in range(STARTS):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(1)
    sys.exit("screenshot_mlflow: error: mlflow server did not start")


def _query(uri: str, networks: list[str]) -> str:
    """The runs in the order asked for, as the page's address names them."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiments = [
        item.experiment_id for item in client.search_experiments() if item.name != "Default"
    ]
    found = {run.info.run_name: run.info.run_id for run in client.search_runs(experiments)}
    values = {"runs": [found[name] for name in networks], "experiments": experiments}
    return urllib.parse.urlencode({key: json.dumps(value) for key, value in values.items()})


def _photograph(browser: str, address: str, options: argparse.Namespace) -> None:
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        size = {"width": options.width, "height": options.height}
        page = opened.new_context(viewport=size).new_page()
        page.set_default_timeout(STARTS * 1000)
        page.goto(address)
        page.get_by_text("Comparing").first.wait_for()
        assistant = page.get_by_text("MLflow Assistant").first
        if assistant.is_visible():  # covers a third of the page
            assistant.locator("xpath=ancestor::*[.//button][1]//button[last()]").click()
        chosen = page.locator("xpath=//*[starts-with(text(), 'Metrics:')]/following::input[1]")
        if options.metric:
            chosen.focus()
            page.keyboard.press("Backspace")  # the metric that stands first in the alphabet
        for metric in options.metric:
            chosen.fill(metric)
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.get_by_text("Run details").click()  # folds them, so that more of the rest is seen
        page.wait_for_timeout(5000)  # the plot draws itself after its data
        options.output.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=options.output)
        opened.close()
    # Few colours are enough for a page of text, and a quarter of the bytes.
    with Image.open(options.output) as picture:
        picture.convert("RGB").quantize(128).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
