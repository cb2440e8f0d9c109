// Reads the text in a picture, by Tesseract in a process of its own.
"use strict";

const { spawn } = require("node:child_process");

// One thread of it: more of them wait for each other on a small picture.
const env = { ...process.env, OMP_THREAD_LIMIT: "1" };

exports.main = ({ image }) =>
  new Promise((resolve, reject) => {
    const reader = spawn("tesseract", ["stdin", "stdout"], { env, stdio: ["pipe", "pipe", "ignore"] });
    let text = "";
    reader.stdout.setEncoding("utf8").on("data", (part) => (text += part));
    reader.stdin.end(Buffer.from(image, "base64"));
    reader.on("error", reject);
    reader.on("close", (code) => {
      if (code === 0) resolve({ text: text.trim() });
      else reject(new Error(`tesseract ended with ${code}`));
    });
  });
