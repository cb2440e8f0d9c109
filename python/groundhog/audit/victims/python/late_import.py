"""Modules imported during a request, which map shared libraries and run code once; the next finds them loaded."""

import sys

LATE = ("sqlite3", "ctypes", "xml.etree.ElementTree", "csv", "asyncio", "zoneinfo")


def main(params):
    seen = [name for name in LATE if name in sys.modules]
    import asyncio
    import csv
    import ctypes
    import sqlite3
    import xml.etree.ElementTree
    import zoneinfo

    database = sqlite3.connect(":memory:")
    database.execute("create table secrets (secret text)")
    database.execute("insert into secrets values (?)", (params["secret"],))
    sys.victim = database, ctypes, csv, zoneinfo, xml.etree.ElementTree.fromstring("<a/>"), asyncio
    return {"loaded": seen}
