"""State of the interpreter: environment variables, modules, built-ins and classes patched, the import path."""

import builtins
import decimal
import json
import os
import sys
import types


def main(params):
    secret = params["secret"]
    seen = {
        "variable": os.environ.get("VICTIM_SECRET"),
        "module": "victim_secret" in sys.modules,
        "builtin": hasattr(builtins, "victim_secret"),
        "encoder": json.JSONEncoder.item_separator,
        "precision": decimal.getcontext().prec,
        "path": "/victim" in sys.path,
        "limit": sys.getrecursionlimit(),
        "interned": secret[:1] + "-interned" in getattr(sys, "victim_names", ()),
    }
    os.environ["VICTIM_SECRET"] = secret
    os.putenv("VICTIM_OTHER", secret)
    sys.modules["victim_secret"] = types.ModuleType("victim_secret", secret)
    builtins.victim_secret = secret
    json.JSONEncoder.item_separator = " , "
    decimal.getcontext().prec += 1
    sys.path.append("/victim")
    sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    sys.victim_names = (*getattr(sys, "victim_names", ()), secret[:1] + "-interned")
    return seen
