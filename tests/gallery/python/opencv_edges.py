"""A picture that is blurred, scaled and searched for edges, by OpenCV's threads."""

import cv2
import numpy as np


def main(params):
    picture = np.zeros((600, 600, 3), np.uint8)
    cv2.circle(picture, (300, 300), params["n"] * 30, (255, 255, 255), -1)
    edges = cv2.Canny(cv2.GaussianBlur(picture, (9, 9), 2), 10, 200)
    _, png = cv2.imencode(".png", cv2.resize(edges, (200, 200)))
    return {"edges": int((edges > 0).sum()), "again": int(cv2.imdecode(png, 0).sum())}
