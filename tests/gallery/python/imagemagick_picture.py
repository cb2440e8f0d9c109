"""A picture that ImageMagick draws and scales."""

import subprocess

CONVERT = "/usr/bin/convert"


def main(params):
    draw = f"circle 100,100 100,{params['n'] * 10}"
    run = [
        CONVERT,
        "-size",
        "200x200",
        "xc:white",
        "-fill",
        "red",
        "-draw",
        draw,
        "-resize",
        "50x50",
        "rgb:-",
    ]
    pixels = subprocess.run(run, check=True, capture_output=True).stdout
    return {"bytes": len(pixels), "total": sum(pixels)}
