"""Build on a disk that is nearly full and look at what is said and left; a script, because it mounts a disk (as root).

    sudo .venv/bin/python tests/fill_disks.py -- --study my_study --panel panel.dta

A first build publishes on an empty disk in memory. Then ballast leaves so many megabytes free, and each build must
succeed, or end with 2 and one sentence that names the file and says what is published, without a traceback; the
publication is the former or the new one, whole.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from interrupt_builds import COMMAND, PROJECT, publication

MEGABYTE = 2**20
FREE = (0, 1, 3, 8, 15, 30, 60, 90, 115, 140, 200, 300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=900, help="megabytes of the disk")
    parser.add_argument("build", nargs="*", help="arguments of city-policy build")
    arguments = parser.parse_args()
    disk = Path(tempfile.mkdtemp(prefix="disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={arguments.size}m", "tmpfs", disk], check=True)
    try:
        data, ballast = disk / "data", disk / "ballast"
        environment = os.environ | {
            "CITY_POLICY_DATA": str(data),
            "DBT_TARGET_PATH": str(disk / "target"),
            "TMPDIR": str(disk),
        }

        def build() -> subprocess.CompletedProcess:
            return subprocess.run(
                [COMMAND, "build", "--fresh", *arguments.build],
                cwd=PROJECT,
                env=environment,
                capture_output=True,
                text=True,
            )

        first = build()
        if first.returncode:
            sys.exit(first.stderr[-3000:])
        directory = next(iter((data / "studies").glob("*")), data)
        before = publication(directory)
        for free in FREE:
            # The former build file gives way to the new one: without it so much is free as is said.
            (directory / "build.duckdb").unlink(missing_ok=True)
            left = os.statvfs(disk)
            with open(ballast, "wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, max(left.f_bavail * left.f_frsize - free * MEGABYTE, 1))
            result = build()
            said = result.stderr.strip().splitlines()[-1:] or [""]
            after = publication(directory)
            problems = ["publication lost"] if not after else []
            problems += ["publication changed"] if after != before and result.returncode else []
            problems += ["traceback"] if "Traceback" in result.stderr else []
            if result.returncode not in (0, 2) or (result.returncode == 2 and "cannot be written" not in said[0]):
                problems.append(f"says: {result.stderr[-500:]}")
            print(f"{free:4d} MB free: exit {result.returncode} {problems or ''} {said[0][:160]}", flush=True)
            before = after
            ballast.unlink()
    finally:
        subprocess.run(["umount", disk], check=True)
        disk.rmdir()


if __name__ == "__main__":
    main()
