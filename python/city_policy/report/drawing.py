"""Static pictures of the charts and the script that draws them in a browser, made in a process of its own.

Starting the JavaScript engine and drawing take about half of the time of a report; meanwhile the other half is done.
``python -m city_policy.report.drawing`` reads one JSON object from its input and writes one to its output.
"""

import json
import re
import subprocess
import sys
import urllib.parse

import vl_convert


def picture(spec: dict, config: dict) -> str:
    """A Vega-Lite chart as an SVG data address."""
    # A list of fonts makes measuring text many times slower; the browser resolves sans-serif by itself.
    svg = vl_convert.vegalite_to_svg(spec, config=config | {"font": "sans-serif"})
    # A tenth of a pixel is finer than a printer's dot.
    svg = re.sub(r"(\d\.\d)\d+", r"\1", svg)
    return "data:image/svg+xml," + urllib.parse.quote(svg, safe=" =:/,()'<>;+")


class Drawing:
    """A drawing process: started at once, given the charts when they are known."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "city_policy.report.drawing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> "Drawing":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def draw(self, specs: list[dict], config: dict) -> tuple[list[str], str]:
        """The pictures of ``specs`` as data addresses, and Vega, Vega-Lite and Vega-Embed as one script.

        Raises RuntimeError with what the process said when it fails.
        """
        request = json.dumps({"specs": specs, "config": config}).encode()
        output, errors = self._process.communicate(request)
        if self._process.returncode:
            raise RuntimeError(f"The drawing process failed: {errors.decode(errors='replace')[-2000:]}")
        answer = json.loads(output)
        return answer["pictures"], answer["bundle"]


if __name__ == "__main__":
    # The bundle first: it does not depend on the charts, which come later.
    bundle = vl_convert.javascript_bundle()
    request = json.load(sys.stdin)
    pictures = [picture(spec, request["config"]) for spec in request["specs"]]
    json.dump({"pictures": pictures, "bundle": bundle}, sys.stdout)
