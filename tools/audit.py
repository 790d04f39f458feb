"""Known vulnerabilities of the pinned packages, asked of PyPI by pip-audit: `make audit`.

Exit status 1 where a package has one. Without a network nothing can be asked: that is said, and is no failure.
"""

from __future__ import annotations

import subprocess
import sys

UNREACHABLE = ("connection", "timed out", "resolve", "unreachable", "service error", "proxy")


def outcome(status: int, output: str) -> tuple[int, str]:
    """Exit status and last line for what pip-audit ended with."""
    skipped = output.lower().count("could not be audited")
    if status == 0 and skipped:
        return (
            0,
            f"audit: {skipped} packages could NOT be audited, see above; none known of the others",
        )
    if status == 0:
        return 0, "audit: no known vulnerability in the pinned packages"
    if "found" in output.lower() and "vulnerabilit" in output.lower():
        return 1, "audit: known vulnerabilities, see above"
    if any(word in output.lower() for word in UNREACHABLE):
        return 0, "audit: the service cannot be reached; NOTHING WAS AUDITED"
    return status, "audit: pip-audit failed, see above"


def main() -> None:
    """Entry point."""
    command = ["pip-audit", "--requirement", "requirements.lock", "--no-deps", "--disable-pip"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    print(output, end="")
    status, line = outcome(done.returncode, output)
    print(line)
    sys.exit(status)


if __name__ == "__main__":
    main()
