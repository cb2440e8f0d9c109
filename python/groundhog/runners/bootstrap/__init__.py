"""Code that runs inside the function process: the standard library only, and nothing of ours."""
