// The Moon's projections, registered with their true scale at every place.
import proj4 from 'proj4';
import { get, transform } from 'ol/proj.js';
import { register } from 'ol/proj/proj4.js';

export const LONLAT = 'lonlat';
const PREFIX = 'moon:';
const POLAR_REACH_DEG = 90;
const FARTHEST = 90 - 1e-9;
let radius = 1;

export const code = (key) => PREFIX + key;

/** Register the projections of a catalogue: `{key: {title, proj4}}` on a sphere of `radiusM`. */
export function registerAll(projections, radiusM) {
  radius = radiusM;
  proj4.defs(LONLAT, `+proj=longlat +R=${radiusM} +no_defs`);
  for (const [key, { proj4: terms }] of Object.entries(projections)) proj4.defs(code(key), terms);
  register(proj4);
  for (const key of Object.keys(projections)) {
    const projection = get(code(key));
    const pole = poleOf(key);
    if (pole) {
      const reach = 2 * radiusM * Math.tan((POLAR_REACH_DEG * Math.PI) / 360);
      projection.setExtent([-reach, -reach, reach, reach]);
      // Stereographic, true at the pole: k = 2 / (1 + sin latitude), from that pole.
      projection.setGetPointResolution((resolution, point) => resolution * groundScale(key, toLonLat(point, key)[1]));
    } else {
      const [x, y] = [Math.PI * radiusM, (Math.PI * radiusM) / 2];
      projection.setExtent([-x, -y, x, y]);
      // Along a parallel, which is what a scale bar lies on.
      projection.setGetPointResolution((resolution, point) => resolution * Math.max(Math.cos(point[1] / radiusM), 1e-6));
    }
  }
}

export const poleOf = (key) => ({ north: 1, south: -1 })[key] ?? 0;
/** Longitude and latitude of a point of the map in degrees; beyond a pole of an equirectangular map, those of the pole. */
export function toLonLat([x, y], key) {
  if (poleOf(key)) return transform([x, y], code(key), LONLAT);
  // Latitude is ours: proj4js takes the northern edge for the southern one, and what lies beyond it for ground.
  return [transform([x, 0], code(key), LONLAT)[0], Math.max(-90, Math.min(90, y / metresPerDegree()))];
}

/** Longitude and latitude of a point of the map in degrees, or null off the Moon. */
export function placeAt([x, y], key) {
  if (!poleOf(key) && Math.abs(y) > quarter()) return null;
  const lonlat = toLonLat([x, y], key);
  return lonlat.every(Number.isFinite) ? lonlat : null;
}

export function fromLonLat([longitude, latitude], key) {
  const pole = poleOf(key);
  if (!pole) return [transform([longitude, 0], LONLAT, code(key))[0], latitude * metresPerDegree()];
  // The pole is one point, whatever the longitude; the other pole lies at no distance that can be drawn.
  if (latitude === 90 * pole) return [0, 0];
  return transform([longitude, pole * Math.max(-FARTHEST, pole * latitude)], LONLAT, code(key));
}

const metresPerDegree = () => (Math.PI * radius) / 180;
/** The length of a quarter of a great circle, in metres. */
export const quarter = () => (Math.PI * radius) / 2;

/**
 * Row and column of a grid `{projection, transform, width, height}` that hold a place, or null beyond it.
 * As `nightside query`: the south pole belongs to the last row of an equirectangular grid that ends there, and a polar
 * grid holds none of the other hemisphere.
 */
export function cellAt(grid, [longitude, latitude]) {
  const pole = poleOf(grid.projection);
  if (pole * latitude < 0) return null;
  const [x, y] = fromLonLat([longitude, pole ? latitude : Math.max(latitude, -90 + 1e-6)], grid.projection);
  const index = indexAt(grid, x, y);
  return index < 0 ? null : { row: Math.floor(index / grid.width), column: index % grid.width };
}

/** The number of the cell, row by row, that holds a point of the grid's projection, or -1. */
function indexAt({ projection, transform: [a, , left, , e, top], width, height }, x, y) {
  // A rounding error must not move a point that lies on an edge into the neighbour.
  const row = Math.floor((y - top) / e + 1e-9);
  if (row < 0 || row >= height) return -1;
  const turn = poleOf(projection) ? 0 : 2 * Math.PI * radius;
  let column = Math.floor((x - left) / a + 1e-9);
  if (turn && column >= width) column = Math.floor((x - turn - left) / a + 1e-9);
  else if (turn && column < 0) column = Math.floor((x + turn - left) / a + 1e-9);
  return column >= 0 && column < width ? row * width + column : -1;
}

/** A function of x and y in the projection `key`: the number of the grid's cell there, row by row, or -1. */
export function cellsUnder(grid, key) {
  const convert = proj4(code(key), code(grid.projection)).forward;
  const [polar, pole] = [poleOf(key), poleOf(grid.projection)];
  const reach = pole ? get(code(grid.projection)).getExtent()[2] : Infinity;
  return (x, y) => {
    if (!polar && Math.abs(y) > quarter()) return -1; // beyond the poles of the view
    const [column, row] = convert([x, y]);
    if (pole && Math.hypot(column, row) > reach) return -1; // the other hemisphere
    return indexAt(grid, column, row);
  };
}

/** How many metres of ground lie in one of a projection at a latitude: along the meridian. */
export const groundScale = (key, latitude) => (poleOf(key) ? (1 + poleOf(key) * Math.sin((latitude * Math.PI) / 180)) / 2 : 1);

/** The extent of a grid in its own projection. */
export function extentOf({ transform: [a, , left, , e, top], width, height }) {
  return [left, top + e * height, left + a * width, top];
}

/** Whether a grid lies within its projection, to half a cell: one from 0 to 360 degrees about 0 does not. */
export function liesWithin(grid) {
  const [left, , right] = extentOf(grid);
  const edge = get(code(grid.projection)).getExtent()[2] + Math.abs(grid.transform[0]) / 2;
  return poleOf(grid.projection) !== 0 || (left >= -edge && right <= edge);
}

const SAMPLES = 32;

/** Whether two grids share ground: a point of one, of 32 by 32, lies in the other. */
export function overlap(one, other) {
  return meets(one, other) || meets(other, one);
}

function meets(one, other) {
  const [a, , left, , e, top] = one.transform;
  for (let i = 0; i < SAMPLES; i += 1) {
    for (let j = 0; j < SAMPLES; j += 1) {
      const point = [left + (a * one.width * (i + 0.5)) / SAMPLES, top + (e * one.height * (j + 0.5)) / SAMPLES];
      const lonlat = toLonLat(point, one.projection);
      if (lonlat.every(Number.isFinite) && cellAt(other, lonlat)) return true;
    }
  }
  return false;
}

const wrap = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;

/** A longitude in both conventions and a latitude, in words. */
export function words([longitude, latitude], digits) {
  const west = wrap(longitude);
  const east = west < 0 ? west + 360 : west;
  return {
    latitude: `${Math.abs(latitude).toFixed(digits)}° ${latitude < 0 ? 'S' : 'N'}`,
    longitude: `${Math.abs(west).toFixed(digits)}° ${west < 0 ? 'W' : 'E'}`,
    east: `${east.toFixed(digits)}° E`,
  };
}
