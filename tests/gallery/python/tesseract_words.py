"""Words in a picture, which ImageMagick draws and Tesseract reads."""

import subprocess
import tempfile
from pathlib import Path

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven"]


def main(params):
    picture = Path(tempfile.mkdtemp()) / "words.png"
    drawn = " ".join(WORDS[: params["n"]])
    draw = [
        "/usr/bin/convert",
        "-background",
        "white",
        "-fill",
        "black",
        "-pointsize",
        "32",
        "-font",
        "DejaVu-Sans",
    ]
    subprocess.run([*draw, f"label:{drawn}", str(picture)], check=True)
    read = subprocess.run(
        ["tesseract", str(picture), "-", "--psm", "7"], check=True, capture_output=True, text=True
    )
    return {"read": read.stdout.split(), "drawn": drawn}
