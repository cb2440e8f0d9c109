"""How the world speaks to a pool of workers: one ASGI application per platform."""
