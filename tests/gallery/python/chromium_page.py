"""A page that Chromium renders without a window."""

import subprocess
import tempfile
from pathlib import Path

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def main(params):
    folder = Path(tempfile.mkdtemp())
    page = folder / "page.html"
    page.write_text(f"<p id=a></p><script>a.textContent = 'order '.repeat({params['n']})</script>")
    run = ["chromium", *OPTIONS, f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()]
    shown = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout
    return {"orders": shown.partition("<script")[0].count("order")}
