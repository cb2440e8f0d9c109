// Dates with zones, by plug-ins that change the library.
const dayjs = require("dayjs");

exports.main = ({ n }) => {
  const extended = "tz" in dayjs;
  dayjs.extend(require("dayjs/plugin/utc"));
  dayjs.extend(require("dayjs/plugin/timezone"));
  const noon = dayjs.utc("2026-01-01T12:00:00").add(n, "month");
  return { extended, berlin: noon.tz("Europe/Berlin").format(), tokyo: noon.tz("Asia/Tokyo").format() };
};
