"""Context variables, generators left half-way and frames kept by an exception: values that no global names."""

import contextvars
import gc

variable = contextvars.ContextVar("variable")
steps = None
caught = None


def stepper():
    got = []
    while True:
        got.append((yield list(got)))


def fail(secret):
    local = secret
    raise ValueError(local[:1])


def main(params):
    global steps, caught
    secret = params["secret"]
    seen = {
        "variable": variable.get(None),
        "steps": steps.gi_frame.f_locals["got"] if steps is not None else [],
        "frames": None if caught is None else caught.__traceback__.tb_next.tb_frame.f_locals["local"],
    }
    variable.set(secret)
    if steps is None:
        steps = stepper()
        next(steps)
    steps.send(secret)
    try:
        fail(secret)
    except ValueError as error:
        caught = error
    gc.collect()
    return seen
