"""``groundhog serve``: a function over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from groundhog.cli import front, options
from groundhog.platforms import http, proxy

if TYPE_CHECKING:
    from groundhog.config import Protocol


@click.command("serve", cls=options.TargetCommand)
@options.target
@options.protocol
@front.served(port=8080)
def command(
    *,
    target: options.Target,
    protocol: Protocol,
    **served: Any,
) -> None:
    """Serve a function: POST / with a JSON body calls it and answers its JSON.

    TARGET: handler.py[:main], handler.js[:main], or -- COMMAND ARGS... a program that speaks ActionLoop, or
    with --protocol runtime-api a client of AWS Lambda's Runtime API. With --protocol http it is a server that
    listens at $PORT: it gets all requests as they come, one at a time, and its answers are passed on.
    """
    function = target.function(protocol)
    application = proxy.application if protocol == "http" else http.application
    front.serve(function, application, **served)
