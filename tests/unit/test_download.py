"""The one download function, against a server on this machine that misbehaves on request."""

from __future__ import annotations

import errno
import hashlib
import http.server
import threading

import pytest

from texshape.data import download
from texshape.data.download import Item, fetch, fetch_all, mirror_path
from texshape.errors import InputError

DATA = bytes(range(256)) * 2000  # 512 kB
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves DATA at any path; the path's first word says how."""

    def do_GET(self):
        log = self.server.requests
        log.append((self.path, self.headers.get("Range")))
        mode = self.path.split("/")[1]
        first = sum(path == self.path for path, _ in log) == 1
        if mode == "missing":
            return self._send(404, b"no")
        if mode == "busy" and first:
            return self._send(503, b"later", {"Retry-After": "0"})
        if mode == "page":
            return self._send(200, b"<!DOCTYPE html><p>sign in", {"Content-Type": "text/html"})
        if mode == "login":
            return self._send(302, b"", {"Location": "/page/x"})
        start, status, headers = 0, 200, {}
        asked = self.headers.get("Range")
        if asked and mode != "norange":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(DATA):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(DATA)}"})
            status = 206
            headers = {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}
        body = DATA[start:]
        cut = (
            body[: len(body) // 2]
            if mode in ("cut", "alwayscut") and (first or mode != "cut")
            else body
        )
        self._send(status, cut, headers, length=len(body))

    def _send(self, status, body, headers=None, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv(download.MIRROR, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def bring(server, mode, tmp_path, **options):
    options = {"sha256": SHA, "backoff": 0.01, "timeout": 5, "retries": 3} | options
    return fetch(f"{server.url}/{mode}/data.bin", destination=tmp_path / "data.bin", **options)


def only(tmp_path):
    return [path.name for path in tmp_path.iterdir()]


def test_file_arrives_whole_and_alone(server, tmp_path):
    assert bring(server, "plain", tmp_path).read_bytes() == DATA
    assert only(tmp_path) == ["data.bin"]


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    bring(server, "plain", tmp_path)
    bring(server, "plain", tmp_path)
    assert len(server.requests) == 1


def test_a_damaged_file_is_replaced(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(DATA[:100])
    assert bring(server, "plain", tmp_path).read_bytes() == DATA


def test_cut_connection_is_resumed_from_where_it_ended(server, tmp_path):
    assert bring(server, "cut", tmp_path).read_bytes() == DATA
    assert [asked for _, asked in server.requests] == [None, f"bytes={len(DATA) // 2}-"]


def test_partial_file_of_an_earlier_run_is_continued(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA[:1000])
    assert bring(server, "plain", tmp_path).read_bytes() == DATA
    assert server.requests[0][1] == "bytes=1000-"


def test_whole_partial_file_needs_no_more_bytes(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA)
    assert bring(server, "plain", tmp_path).read_bytes() == DATA


def test_partial_file_of_something_else_is_started_anew(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(b"x" * 1000)
    assert bring(server, "plain", tmp_path).read_bytes() == DATA
    assert [asked for _, asked in server.requests] == ["bytes=1000-", None]


def test_server_without_ranges_starts_anew(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA[:1000])
    assert bring(server, "norange", tmp_path).read_bytes() == DATA


def test_busy_server_is_asked_again(server, tmp_path):
    assert bring(server, "busy", tmp_path).read_bytes() == DATA
    assert len(server.requests) == 2


def test_endless_cuts_end_in_one_line_and_keep_what_came(server, tmp_path):
    with pytest.raises(InputError, match=r"not downloaded after 4 tries.*kept for the next try"):
        bring(server, "alwayscut", tmp_path)
    assert only(tmp_path) == ["data.bin.part"]
    kept = (tmp_path / "data.bin.part").read_bytes()
    assert len(kept) > len(DATA) // 2
    assert DATA.startswith(kept)


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("plain", {"sha256": "0" * 64}, "wrong check sum"),
        ("page", {}, "web page"),
        ("login", {}, "web page"),
        ("missing", {}, "HTTP status 404"),
    ],
)
def test_bad_answers_end_in_one_line_and_leave_nothing(server, tmp_path, mode, options, message):
    with pytest.raises(InputError, match=message) as error:
        bring(server, mode, tmp_path, **options)
    assert "\n" not in str(error.value)
    assert f"/{mode}/data.bin" in str(error.value)
    assert only(tmp_path) == []
    assert len(server.requests) <= 2


def test_no_server(tmp_path, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match="no connection"):
        bring(server, "plain", tmp_path, retries=1)
    assert only(tmp_path) == []


def test_disk_that_is_too_small_is_noticed_first(server, tmp_path, monkeypatch):
    usage = download.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(InputError, match="no space left"):
        bring(server, "plain", tmp_path)
    assert only(tmp_path) == []


def test_disk_that_fills_up_keeps_nothing(server, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "data.bin.part").write_bytes(DATA[:1000])
    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(InputError, match="no space left"):
        bring(server, "plain", tmp_path)
    assert only(tmp_path) == []


def test_several_files_over_several_connections(server, tmp_path, capsys):
    items = [Item(f"{server.url}/plain/{i}", SHA, tmp_path / f"{i}") for i in range(12)]
    assert [path.name for path in fetch_all(items, label="twelve")] == [f"{i}" for i in range(12)]
    assert all(path.read_bytes() == DATA for path in tmp_path.iterdir())
    assert capsys.readouterr().err == "twelve: 12 files\n"


def test_processes_that_want_the_same_file_wait_for_each_other(server, tmp_path):
    items = [Item(f"{server.url}/plain/data.bin", SHA, tmp_path / "data.bin")] * 8
    fetch_all(items, label="same")
    assert len(server.requests) == 1
    assert only(tmp_path) == ["data.bin"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://raw.githubusercontent.com/o/r/c/a/b%20c.png", "github/o/r/c/a/b c.png"),
        ("https://github.com/o/r/archive/c.tar.gz", "github/o/r/c.tar.gz"),
        (
            "https://download.pytorch.org/models/resnet50.pth",
            "download.pytorch.org/models/resnet50.pth",
        ),
    ],
)
def test_mirror_takes_the_place_of_an_address(url, path, tmp_path):
    assert mirror_path(url, tmp_path) == tmp_path / path


def test_mirror_replaces_the_network(tmp_path, monkeypatch):
    monkeypatch.setenv(download.MIRROR, str(tmp_path / "mirror"))
    stored = tmp_path / "mirror/github/o/r/c/data.bin"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(DATA)
    url = "https://raw.githubusercontent.com/o/r/c/data.bin"
    assert fetch(url, SHA, tmp_path / "out/data.bin").read_bytes() == DATA
    with pytest.raises(InputError, match="wrong check sum"):
        fetch(url, "0" * 64, tmp_path / "out/other.bin")
    with pytest.raises(InputError, match="no such file in the mirror"):
        fetch(url + "x", SHA, tmp_path / "out/other.bin")
    assert only(tmp_path / "out") == ["data.bin"]


def test_address_may_not_climb_out_of_the_mirror(tmp_path):
    with pytest.raises(InputError, match=r"\.\."):
        mirror_path("https://raw.githubusercontent.com/o/../../etc/passwd", tmp_path)
