"""Static pictures of the charts and the script that draws them in a browser, made in a process of its own.

Starting the JavaScript engine and drawing take about half of the time of a report; meanwhile the other half is done.
``python -m city_policy.report.drawing`` reads a JSON object per line and writes one at its end.
"""

import contextlib
import json
import re
import subprocess
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import vl_convert


def picture(spec: dict, config: dict) -> str:
    """A Vega-Lite chart as an SVG data address."""
    # A list of fonts makes measuring text many times slower; the browser resolves sans-serif by itself.
    # The font it finds may be wider than the one measured: labels on the left have room to spare.
    room = {"left": 22, "top": 5, "right": 5, "bottom": 5}
    svg = vl_convert.vegalite_to_svg(spec, config=config | {"font": "sans-serif", "padding": room})
    # A picture is read out by its alternative text, never by the words for its parts.
    svg = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg)
    # A tenth of a pixel is finer than a printer's dot. What stands between tags is read, and stays.
    svg = re.sub(r"(>[^<]*<)|(\d\.\d)\d+", lambda found: found[1] or found[2], svg)
    return "data:image/svg+xml," + urllib.parse.quote(svg, safe=" =:/,()'<>;+")


class Drawing:
    """A drawing process: started at once, and drawing every chart as soon as it is added."""

    def __init__(self, config: dict) -> None:
        """``config``: the theme of all charts, as Vega-Lite takes it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "city_policy.report.drawing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # A pipe takes little at a time: a thread waits for the other end, while the next chart is made.
        self._writer = ThreadPoolExecutor(1)
        self._send(config)

    def __enter__(self) -> "Drawing":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._writer.shutdown()
        self._process.communicate()

    def _send(self, value: dict) -> None:
        self._writer.submit(self._write, json.dumps(value).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        # The process was started with a pipe.
        assert self._process.stdin is not None
        # A process that ended early is found by its exit code.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def add(self, spec: dict) -> None:
        """Have a Vega-Lite chart drawn."""
        self._send(spec)

    def finish(self) -> tuple[list[str], str]:
        """The pictures as data addresses, in the order in which the charts were added, and Vega, Vega-Lite and
        Vega-Embed as one script. Raises RuntimeError with what the process said when it fails.
        """
        self._writer.submit(self._write, b"\n").result()
        output, errors = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"The drawing process failed: {errors.decode(errors='replace')[-2000:]}")
        answer = json.loads(output)
        return answer["pictures"], answer["bundle"]


if __name__ == "__main__":
    # The bundle first: it does not depend on the charts, which come later, one a line, and end with an empty line.
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # The stub lacks the default of its argument.
    config = json.loads(sys.stdin.readline())
    pictures = [picture(json.loads(line), config) for line in iter(sys.stdin.readline, "\n")]
    json.dump({"pictures": pictures, "bundle": bundle}, sys.stdout)
