"""An archive that is compressed and read again in memory."""

import io
import tarfile


def main(params):
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:xz", preset=1) as archive:
        for number in range(params["n"]):
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = 20_000
            archive.addfile(member, io.BytesIO(b"q" * member.size))
    written.seek(0)
    with tarfile.open(fileobj=written) as archive:
        return {"sizes": {member.name: member.size for member in archive}}
