// Makes a smaller picture of one that comes as base64, as a function behind an upload does.
'use strict';

const { Jimp, JimpMime } = require('jimp');

async function main({ image, width = 200 }) {
  const picture = await Jimp.read(Buffer.from(image, 'base64'));
  picture.resize({ w: width });
  const made = await picture.getBuffer(JimpMime.jpeg);
  return { image: made.toString('base64'), width: picture.width, height: picture.height };
}

// A picture to try it with: waves of colour, so that it does not compress to nothing.
async function example(width, height) {
  const picture = new Jimp({ width, height });
  picture.scan((x, y, at) => {
    picture.bitmap.data.set([128 + 127 * Math.sin(x / 9), 128 + 127 * Math.sin(y / 7), (x * y) & 255, 255], at);
  });
  return (await picture.getBuffer(JimpMime.jpeg, { quality: 60 })).toString('base64');
}

module.exports = { example, main };
