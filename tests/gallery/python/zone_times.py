"""Times of zones that are loaded in the request."""

import datetime
import zoneinfo

ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York")


def main(params):
    noon = datetime.datetime(2026, params["n"], 1, 12, tzinfo=datetime.timezone.utc)
    times = {zone: noon.astimezone(zoneinfo.ZoneInfo(zone)).isoformat() for zone in ZONES}
    return {"times": times, "cached": zoneinfo.ZoneInfo("Asia/Tokyo") is zoneinfo.ZoneInfo("Asia/Tokyo")}
