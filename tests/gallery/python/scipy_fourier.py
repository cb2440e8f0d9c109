"""A Fourier transform by several threads, and a filter."""

import numpy as np
from scipy import fft, signal


def main(params):
    wave = np.sin(np.arange(16_384.0) * params["n"] / 100)
    strengths = abs(fft.rfft(wave, workers=2))
    smoothed = signal.lfilter(*signal.butter(3, 0.1), wave)
    return {"peak": int(strengths.argmax()), "smoothed": round(float(smoothed[-1]), 6)}
