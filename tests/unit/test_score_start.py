"""What `texshape score` imports: half a second has no room for torch or pandas."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import texshape.cli.main as main
main.COMMANDS = ["score"]
sys.argv = ["texshape", "score", sys.argv[1], "--format", "json"]
try:
    main.main()
except SystemExit:
    pass
heavy = {"torch", "pandas", "scipy", "matplotlib", "requests", "sklearn"} & set(sys.modules)
print(sorted(heavy), file=sys.stderr)
"""


def test_scoring_imports_nothing_heavy(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(
        "subj,session,trial,rt,object_response,category,condition,imagename\n"
        "net,1,1,NaN,star,disc,0,disc1-star2.png\n"
    )
    command = [sys.executable, "-c", CODE, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '"shape_bias": 0.0' in result.stdout
    assert result.stderr == "[]\n"
