// Zstandard for zarrita, by the decoder that GeoTIFFs are read with: one of them is enough in the bundle.
import { ZSTDDecoder } from 'zstddec';

const decoder = new ZSTDDecoder();

export default {
  fromConfig: () => ({
    kind: 'bytes_to_bytes',
    async decode(bytes) {
      await decoder.init();
      return decoder.decode(bytes);
    },
  }),
};
