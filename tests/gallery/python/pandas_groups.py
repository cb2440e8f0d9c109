"""A table that is read, joined, grouped and written."""

import io

import pandas as pd

prices = pd.DataFrame({"item": range(7), "price": [1.5 * item for item in range(7)]})


def main(params):
    text = "item,count\n" + "".join(f"{number % 7},{number}\n" for number in range(params["n"] * 500))
    orders = pd.read_csv(io.StringIO(text)).merge(prices, on="item")
    orders["total"] = orders["count"] * orders["price"]
    prices.loc[0, "price"] += 1
    return {
        "totals": orders.groupby("item")["total"].sum().tolist(),
        "json": len(orders.to_json()),
        "raised": float(prices["price"].iloc[0]),
    }
