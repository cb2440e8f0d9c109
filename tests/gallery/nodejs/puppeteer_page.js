// Chromium, driven through Puppeteer.
const puppeteer = require("puppeteer-core");

exports.main = async ({ n }) => {
  const browser = await puppeteer.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const page = await browser.newPage();
  await page.setContent(`<ul>${"<li>order</li>".repeat(n)}</ul>`);
  const orders = await page.$$eval("li", (items) => items.length);
  const picture = await page.screenshot({ type: "png" });
  await browser.close();
  return { orders, picture: Buffer.from(picture).subarray(1, 4).toString() };
};
