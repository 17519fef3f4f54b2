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
async function draw({ levels, nodata }, [west, south, east, north], resolution, key, signal) {
  await new Promise((resolve) => setTimeout(resolve)); // let the page answer between tiles
  signal?.throwIfAborted();
  const { grid, blockWidth, blockHeight, block } = fitting(levels, [(west + east) / 2, (south + north) / 2], resolution, key);
  const cellAt = cellsUnder(grid, key);
  const cells = new Int32Array(TILE * TILE);
  const across = Math.ceil(grid.width / blockWidth);
  const needed = new Set();
  const blockOf = (cell) => Math.floor(Math.floor(cell / grid.width) / blockHeight) * across + Math.floor((cell % grid.width) / blockWidth);
  for (let k = 0; k < cells.length; k += 1) {
    cells[k] = cellAt(west + ((k % TILE) + 0.5) * resolution, north - (Math.floor(k / TILE) + 0.5) * resolution);
    if (cells[k] >= 0) needed.add(blockOf(cells[k]));
  }
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

/** The coarsest level whose cells are no larger than a pixel of the view at its point `middle`, else the finest. */
function fitting(levels, middle, resolution, key) {
  const latitude = toLonLat(middle, key)[1];
  const pixel = resolution * groundScale(key, latitude);
  const fine = levels.filter(({ grid }) => Math.abs(grid.transform[4]) * groundScale(grid.projection, latitude) <= pixel * 1.001);
  return fine.at(-1) ?? levels[0];
}
