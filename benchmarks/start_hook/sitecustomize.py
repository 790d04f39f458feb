"""Count a Python process's time of start and imports; python -m benchmarks.starting puts this on the path.

Processor seconds: what the interpreter had used when this module was imported, and that of every outermost
import after it (imports inside an import count once). Written to $TEXSHAPE_START_TIMES when the process ends;
a process that is killed writes nothing.
"""

import _thread
import atexit
import importlib._bootstrap as bootstrap
import json
import os
import sys
import time

_folder = os.environ.get("TEXSHAPE_START_TIMES")

if _folder:
    _times = {"start": time.process_time(), "imports": 0.0}
    _main_thread = _thread.get_ident()
    _importing = False
    _find_and_load = bootstrap._find_and_load

    def _timed(name, import_):
        global _importing
        if _importing or _thread.get_ident() != _main_thread:
            return _find_and_load(name, import_)
        _importing = True
        begin = time.process_time()
        try:
            return _find_and_load(name, import_)
        finally:
            _importing = False
            _times["imports"] += time.process_time() - begin

    bootstrap._find_and_load = _timed
    _process = os.getpid()

    def _write():
        if os.getpid() != _process:  # a fork wrote nothing of its own
            return
        times = {"program": sys.argv[:3], **_times}
        with open(os.path.join(_folder, f"{_process}-{time.monotonic_ns()}.json"), "w") as file:
            json.dump(times, file)

    atexit.register(_write)
