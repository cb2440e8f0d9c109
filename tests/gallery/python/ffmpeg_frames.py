"""A film that ffmpeg makes and reads."""

import subprocess
import tempfile
from pathlib import Path


def main(params):
    film = Path(tempfile.mkdtemp()) / "film.mp4"
    source = f"testsrc=size=160x120:rate=10:duration={params['n'] / 5}"
    run = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", str(film)]
    subprocess.run(run, check=True, stdin=subprocess.DEVNULL)
    ask = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
    ]
    frames = subprocess.run([*ask, str(film)], check=True, capture_output=True, text=True).stdout
    return {"frames": int(frames.strip().rstrip(","))}
