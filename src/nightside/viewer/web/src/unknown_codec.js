// Compressions that nightside never writes, left out of the bundle.
export default {
  fromConfig() {
    throw new Error('its compression is none of zstd, gzip and zlib; write the store with nightside');
  },
};
