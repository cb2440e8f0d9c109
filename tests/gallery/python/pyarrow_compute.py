"""Columns of Arrow: sums, filters, a file in memory."""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather


def main(params):
    table = pa.table({"item": range(params["n"] * 10_000)})
    even = table.filter(pc.equal(pc.bit_wise_and(table["item"], 1), 0))
    file = pa.BufferOutputStream()
    feather.write_feather(even, file, compression="lz4")
    return {
        "total": pc.sum(table["item"]).as_py(),
        "even": feather.read_table(pa.BufferReader(file.getvalue())).num_rows,
    }
