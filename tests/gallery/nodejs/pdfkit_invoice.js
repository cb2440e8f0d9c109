// An invoice in PDF.
const PDFDocument = require("pdfkit");

exports.main = async ({ n }) => {
  const page = new PDFDocument({ compress: true, info: { CreationDate: new Date(0) } });
  const parts = [];
  page.on("data", (part) => parts.push(part));
  const ended = new Promise((resolve) => page.on("end", resolve));
  for (let i = 0; i < n; i++) page.text(`item ${i}`);
  page.end();
  await ended;
  const file = Buffer.concat(parts);
  return { isPdf: file.subarray(0, 4).toString() === "%PDF", bytes: file.length };
};
