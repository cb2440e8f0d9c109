"""A chart in PNG and SVG."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(params):
    figure, axes = plt.subplots()
    axes.plot([number**2 for number in range(params["n"])])
    axes.set_title(f"{params['n']} points")
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    open_figures = len(plt.get_fignums())
    if params["n"] % 2:
        plt.close(figure)
    return {"bytes": len(png.getvalue()), "open": open_figures}
