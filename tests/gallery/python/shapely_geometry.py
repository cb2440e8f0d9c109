"""Geometry by GEOS."""

from shapely import STRtree
from shapely.geometry import Point, box

tree = STRtree([box(x, 0, x + 1, 1) for x in range(20)])


def main(params):
    circle = Point(params["n"], 0.5).buffer(1)
    return {"area": round(circle.area, 6), "touched": sorted(tree.query(circle, "intersects").tolist())}
