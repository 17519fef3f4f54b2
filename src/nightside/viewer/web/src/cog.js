// Cloud-optimised GeoTIFFs, read block by block: the values of one cell or of many.
import { fromUrl } from 'geotiff';
import { once } from './once.js';

const KEPT_BLOCKS = 64; // of 512 x 512 values: some 64 MB a layer

/**
 * Open the file of a layer, once: `{levels, nodata}`, finest level first. A level has the `grid` of its cells, as in the
 * catalogue, the sizes of its blocks, and `block(column, row)`, which promises the values of one.
 */
export const openCog = (about) => once(about.url, () => open(about));

async function open(about) {
  const tiff = await fromUrl(about.url, { allowFullFile: true });
  const images = await Promise.all(Array.from({ length: await tiff.getImageCount() }, (_, k) => tiff.getImage(k)));
  const maps = images.filter((image) => !(image.fileDirectory.getValue('NewSubfileType') & MASK));
  return { levels: maps.map((image) => level(image, about)), nodata: maps[0].getGDALNoData() };
}

const MASK = 4;

function level(image, about) {
  const [width, height] = [image.getWidth(), image.getHeight()];
  const [a, b, left, d, e, top] = about.transform;
  const blockWidth = image.getTileWidth();
  const blockHeight = image.getTileHeight();
  const blocks = new Map(); // the least recently used one first
  return {
    grid: { ...about, width, height, transform: [(a * about.width) / width, b, left, d, (e * about.height) / height, top] },
    blockWidth,
    blockHeight,
    block(column, row) {
      const key = `${column},${row}`;
      const found = blocks.get(key) ?? read(image, column * blockWidth, row * blockHeight, blockWidth, blockHeight);
      blocks.delete(key);
      blocks.set(key, found);
      found.catch(() => blocks.delete(key));
      if (blocks.size > KEPT_BLOCKS) blocks.delete(blocks.keys().next().value);
      return found;
    },
  };
}

/** The values of a block as rows of its full width, also where the map ends within it. */
async function read(image, left, top, width, height) {
  const window = [left, top, left + width, top + height];
  const [values] = await image.readRasters({ window, samples: [0] });
  return values;
}
