"""Archives from strangers, unpacked into an empty folder by a process that can reach nothing else.

```text
  supervisor (unpacker)                    child (child, a fresh interpreter)
  memfd with the archive, the folder ----> limits, user, sandbox
  waits until a deadline                   members -> tree -> extraction
  reads one line <------------------------ what became of it
  failed: empties the folder
```

No link is followed at any time: each name is made relative to the descriptor of its folder, and links are
made last, when the whole tree is known and each of them is known to stay in it.
"""
