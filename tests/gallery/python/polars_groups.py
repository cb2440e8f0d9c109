"""A lazy query of Polars, by its threads."""

import polars as pl


def main(params):
    orders = pl.DataFrame({"item": range(params["n"] * 20_000)})
    query = orders.lazy().group_by(pl.col("item") % 7).agg(pl.len()).sort("item")
    return {"counts": query.collect()["len"].to_list()}
