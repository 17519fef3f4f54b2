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
  const { grid, blockWidth, blockHeight, block } = fitting(levels, extent, resolution, key);
  const cells = cellsOf(grid, key, extent, resolution);
  const across = Math.ceil(grid.width / blockWidth);
  const blockOf = (cell) => Math.floor(Math.floor(cell / grid.width) / blockHeight) * across + Math.floor((cell % grid.width) / blockWidth);
  const needed = new Set();
  for (const cell of cells) if (cell >= 0) needed.add(blockOf(cell));
  const blocks = new Map(await Promise.all([...needed].map(async (n) => [n, await block(n % across, Math.floor(n / across))])));
  const values = new Float32Array(2 * cells.length);
  for (let k = 0; k < cells.length; k += 1) {
    if (cells[k] < 0) continue;
    const [row, column] = [Math.floor(cells[k] / grid.width), cells[k] % grid.width];
    const value = blocks.get(blockOf(cells[k]))[(row % blockHeight) * blockWidth + (column % blockWidth)];
    if (Number.isNaN(value) || value === nodata) continue;
    values[2 * k] = value;
    values[2 * k + 1] = 1;
  }
  return values;
}

const KEPT_TILES = 64; // of 512 kB
const found = new Map(); // the least recently used one first

/** The numbers of the grid's cells under the pixels of a tile, row by row, or -1; once for all layers of one grid. */
function cellsOf(grid, key, [west, , , north], resolution) {
  const { projection, transform, width, height } = grid;
  const name = [key, west, north, resolution, projection, width, height, ...transform].join();
  let cells = found.get(name);
  found.delete(name);
  if (!cells) {
    const cellAt = cellsUnder(grid, key);
    cells = new Float64Array(TILE * TILE); // for there may be more than 32 bits count
    for (let k = 0; k < cells.length; k += 1) cells[k] = cellAt(west + ((k % TILE) + 0.5) * resolution, north - (Math.floor(k / TILE) + 0.5) * resolution);
  }
  found.set(name, cells);
  if (found.size > KEPT_TILES) found.delete(found.keys().next().value);
  return cells;
}

/** The coarsest level whose cells are no larger than a pixel in the middle of a tile, else the finest. */
function fitting(levels, [west, south, east, north], resolution, key) {
  const latitude = toLonLat([(west + east) / 2, (south + north) / 2], key)[1];
  const pixel = resolution * groundScale(key, latitude);
  const fine = levels.filter(({ grid }) => Math.abs(grid.transform[4]) * groundScale(grid.projection, latitude) <= pixel * 1.001);
  return fine.at(-1) ?? levels[0];
}
