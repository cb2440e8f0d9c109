"""A table that goes to Parquet and back."""

import io

import pandas as pd


def main(params):
    file = io.BytesIO()
    pd.DataFrame({"item": range(params["n"] * 100)}).to_parquet(file)
    file.seek(0)
    return {"total": int(pd.read_parquet(file)["item"].sum())}
