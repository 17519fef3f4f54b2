// A layer in another projection than its own: each pixel shows the cell that holds its middle, so that no place is drawn
// from another one's value, also at a pole and along a meridian where a map of the whole Moon meets itself.
import DataTile from 'ol/source/DataTile.js';
import TileGrid from 'ol/tilegrid/TileGrid.js';
import { get } from 'ol/proj.js';
import { openCog } from './cog.js';
import { cellsUnder, code, groundScale, toLonLat } from './projections.js';

const TILE = 256;
const COARSEST = 20000; // metres a pixel, of main.js's views
const STEP = Math.SQRT2;
const LEVELS = 40; // down to 27 mm

/** The source of a layer of the catalogue in the projection `key`: bands value and, where there is none, 0. */
export function warpedSource(about, key) {
  const projection = get(code(key));
  const tileGrid = new TileGrid({
    extent: projection.getExtent(),
    resolutions: Array.from({ length: LEVELS }, (_, k) => COARSEST / STEP ** k),
    tileSize: TILE,
  });
  const source = new DataTile({
    projection,
    tileGrid,
    bandCount: 2,
    interpolate: false,
    transition: 0,
    zDirection: -1, // never coarser than the view
    state: 'loading',
    loader: (z, column, row, { signal }) => cog.then((opened) => draw(opened, tileGrid.getTileCoordExtent([z, column, row]), tileGrid.getResolution(z), key, signal)),
  });
  const cog = openCog(about);
  cog.then(
    () => source.setState('ready'),
    () => source.setState('error'),
  );
  return source;
}

/** The values of one tile, each beside a 1, or a 0 where the layer has none. */
async function draw({ levels, nodata }, extent, resolution, key, signal) {
  await new Promise((resolve) => setTimeout(resolve)); // let the page answer between tiles
  signal?.throwIfAborted();
  const level = fitting(levels, extent, resolution, key);
  const { needed, block, within } = sought(level, key, extent, resolution);
  const blocks = await Promise.all(needed.map(([column, row]) => level.block(column, row)));
  const values = new Float32Array(2 * TILE * TILE);
  if (!blocks.length) return values;
  for (let k = 0; k < within.length; k += 1) {
    if (within[k] < 0) continue;
    const value = blocks[block[k]][within[k]];
    if (Number.isNaN(value) || value === nodata) continue;
    values[2 * k] = value;
    values[2 * k + 1] = 1;
  }
  return values;
}

const KEPT_TILES = 64; // of 400 kB
const found = new Map(); // the least recently used one first

/**
 * Where the values of a tile's pixels lie, row by row, once for all layers of one grid: `needed` lists the blocks, `block`
 * which of them a pixel's is, and `within` where in that block its value is, or -1 beyond the layer.
 */
function sought({ grid, blockWidth, blockHeight }, key, [west, , , north], resolution) {
  const { projection, transform, width, height } = grid;
  const name = [key, west, north, resolution, projection, blockWidth, blockHeight, width, height, ...transform].join();
  let there = found.get(name);
  found.delete(name);
  if (!there) {
    const cellAt = cellsUnder(grid, key);
    const order = new Map();
    there = { needed: [], block: new Uint16Array(TILE * TILE), within: new Int32Array(TILE * TILE).fill(-1) };
    for (let k = 0; k < TILE * TILE; k += 1) {
      const cell = cellAt(west + ((k % TILE) + 0.5) * resolution, north - (Math.floor(k / TILE) + 0.5) * resolution);
      if (cell < 0) continue;
      const [row, column] = [Math.floor(cell / width), cell % width];
      const at = [Math.floor(column / blockWidth), Math.floor(row / blockHeight)];
      const number = at[1] * width + at[0];
      if (!order.has(number)) order.set(number, there.needed.push(at) - 1);
      there.block[k] = order.get(number);
      there.within[k] = (row - at[1] * blockHeight) * blockWidth + column - at[0] * blockWidth;
    }
  }
  found.set(name, there);
  if (found.size > KEPT_TILES) found.delete(found.keys().next().value);
  return there;
}

/** The coarsest level whose cells are no larger than a pixel in the middle of a tile, else the finest. */
function fitting(levels, [west, south, east, north], resolution, key) {
  const latitude = toLonLat([(west + east) / 2, (south + north) / 2], key)[1];
  const pixel = resolution * groundScale(key, latitude);
  const fine = levels.filter(({ grid }) => Math.abs(grid.transform[4]) * groundScale(grid.projection, latitude) <= pixel * 1.001);
  return fine.at(-1) ?? levels[0];
}
