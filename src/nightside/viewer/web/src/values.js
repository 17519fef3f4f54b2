// What files hold at a place: one cell of each COG, one profile of a Zarr store.
import * as zarr from 'zarrita';
import { openCog } from './cog.js';
import { once } from './once.js';
import { cellAt } from './projections.js';

/** The value of a layer at a place in its units: a number, NaN where there is no data, null beyond the layer. */
export async function valueAt(about, lonlat) {
  const cell = cellAt(about, lonlat);
  if (!cell) return null;
  const { levels, nodata } = await openCog(about);
  const { blockWidth, blockHeight, block } = levels[0];
  const { row, column } = cell;
  const values = await block(Math.floor(column / blockWidth), Math.floor(row / blockHeight));
  const value = values[(row % blockHeight) * blockWidth + (column % blockWidth)];
  return value === nodata ? NaN : value * about.scale + about.offset;
}

/** The profile of a place: `{hours, temperature, std, quality, latents}`, or null beyond the store. */
export async function profileAt(profiles, lonlat) {
  const cell = cellAt(profiles, lonlat);
  if (!cell) return null;
  const { row, column } = cell;
  const root = zarr.root(new zarr.FetchStore(new URL(profiles.url, document.baseURI).href));
  const [hours, temperature, std, quality] = await Promise.all([
    array(root, profiles.url, 'local_time', [null]),
    array(root, profiles.url, 'temperature', [row, column, null]),
    array(root, profiles.url, 'temperature_std', [row, column, null]),
    array(root, profiles.url, 'quality', [row, column]),
  ]);
  let latents = null;
  if (profiles.model) {
    const maps = zarr.root(new zarr.FetchStore(new URL(profiles.model.maps, document.baseURI).href));
    latents = Array.from(await array(maps, profiles.model.maps, 'latent_mean', [null, row, column]));
  }
  return {
    row,
    column,
    hours: Array.from(hours),
    temperature: Array.from(temperature),
    std: Array.from(std),
    quality: Number(quality),
    latents: latents?.every(Number.isFinite) ? latents : null,
  };
}

async function array(root, url, name, selection) {
  const found = await once(`${url}#${name}`, () => zarr.open.v3(root.resolve(name), { kind: 'array' }));
  const got = await zarr.get(found, selection);
  return got?.data ?? got;
}

/** A number in as many digits as a reader wants. */
export function figure(value) {
  if (value === null) return 'beyond';
  if (!Number.isFinite(value)) return '—';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3);
  return String(Number(value.toPrecision(5)));
}
