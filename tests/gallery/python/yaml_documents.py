"""Settings in YAML, by libyaml."""

import yaml


def main(params):
    text = yaml.dump(
        {"items": [{"name": f"item {number}", "tags": ["a", "b"]} for number in range(params["n"])]}
    )
    return {"text": text, "loaded": yaml.load(text, Loader=yaml.CSafeLoader)}
