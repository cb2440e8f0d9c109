// A spreadsheet that is written and read again.
const { Workbook } = require("exceljs");

exports.main = async ({ n }) => {
  const book = new Workbook();
  const sheet = book.addWorksheet("orders");
  for (let i = 0; i < n; i++) sheet.addRow([`item ${i}`, i * 1.5]);
  const again = new Workbook();
  await again.xlsx.load(await book.xlsx.writeBuffer());
  const rows = [];
  again.getWorksheet("orders").eachRow((row) => rows.push([row.getCell(1).value, row.getCell(2).value]));
  return { rows };
};
