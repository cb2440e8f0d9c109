"""Symbols, an integral, a solution, and caches of them."""

import sympy

x = sympy.Symbol("x")


def main(params):
    n = params["n"]
    return {
        "integral": str(sympy.integrate(sympy.sin(x) ** 2 * n, x)),
        "roots": str(sympy.solve(x**2 - n**2, x)),
    }
