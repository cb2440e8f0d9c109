// A picture that libvips makes, turns, scales and compresses, by its threads.
const sharp = require("sharp");

exports.main = async ({ n }) => {
  const picture = sharp({ create: { width: 300, height: 200, channels: 3, background: { r: n * 20, g: 0, b: 0 } } });
  const png = await picture.rotate(90).resize(100).png().toBuffer();
  const { data, info } = await sharp(png).blur(2).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixel: data[0] };
};
