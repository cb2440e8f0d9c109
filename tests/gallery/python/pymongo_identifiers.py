"""Identifiers of MongoDB, which count on from a number drawn at load."""

import bson


def main(params):
    return {"first": str(bson.ObjectId()), "all": [str(bson.ObjectId()) for _ in range(params["n"] % 2 + 1)]}
