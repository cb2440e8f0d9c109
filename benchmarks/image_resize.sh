#!/bin/sh -e
# Measure the resizing of a picture in Node: image_resize.sh [OPTIONS OF groundhog bench]. Needs `make build`.
cd "$(dirname "$0")/functions/image_resize"
npm ci --silent
payload=$(node -e "require('./index.js').example(400, 300).then((image) => console.log(JSON.stringify({ image })))")
exec ../../../.venv/bin/groundhog bench index.js --payload "$payload" --warm 100 --requests 500 "$@"
