"""A template of the load time, and one that is compiled in the request."""

import jinja2

environment = jinja2.Environment(autoescape=True)
page = environment.from_string("{% for item in items %}<li>{{ item }}</li>{% endfor %}")


def main(params):
    title = environment.from_string("<h1>{{ title | upper }}</h1>")
    environment.globals.setdefault("first", params["n"])
    return {
        "page": page.render(items=[f"<{number}>" for number in range(params["n"])]),
        "title": title.render(title="orders"),
        "first": environment.globals["first"],
    }
