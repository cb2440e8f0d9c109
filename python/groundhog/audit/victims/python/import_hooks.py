"""Finders and path hooks added to the import system, a module replaced by another that looks like it."""

import sys
import types
import string


class Finder:
    def __init__(self, secret):
        self.secret = secret

    def find_spec(self, name, path=None, target=None):
        return None


def main(params):
    import string as found

    seen = {
        "finders": sum(type(finder).__name__ == "Finder" for finder in sys.meta_path),
        "hooks": len(sys.path_hooks),
        "replaced": getattr(found, "secret", None),
    }
    sys.meta_path.insert(0, Finder(params["secret"]))
    sys.path_hooks.append(lambda path: Finder(path).nothing)
    fake = types.ModuleType("string", string.__doc__)
    fake.__dict__.update(string.__dict__)
    fake.secret = params["secret"]
    sys.modules["string"] = fake
    sys.path_importer_cache.clear()
    return seen
