// Meridians and parallels of the view, with their degrees: OpenLayers' own knows only the Earth.
import Feature from 'ol/Feature.js';
import LineString from 'ol/geom/LineString.js';
import Point from 'ol/geom/Point.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';
import { Fill, Stroke, Style, Text } from 'ol/style.js';
import { fromLonLat, poleOf, quarter, toLonLat } from './projections.js';

const STEPS = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];
const LINES = 5;
const POINTS = 96;
const LINE = new Style({ stroke: new Stroke({ color: 'rgba(190, 208, 230, 0.22)', width: 1 }) });

/** A layer of lines that `update` draws anew for a view's extent. */
export function makeGraticule(map, projectionKey) {
  const source = new VectorSource();
  const layer = new VectorLayer({ source, style: (feature) => feature.get('label') ?? LINE, zIndex: 50 });
  layer.set('update', () => {
    const size = map.getSize();
    if (!size || !size[0]) return;
    source.clear(true);
    source.addFeatures(lines(map.getView().calculateExtent(size), projectionKey(), room(size)));
  });
  map.on('moveend', layer.get('update'));
  return layer;
}

/** Bounds of an extent in degrees; longitudes may leave one turn where the extent crosses 180 degrees. */
export function bounds([west, south, east, north], key) {
  const pole = poleOf(key);
  if (pole && west < 0 && east > 0 && south < 0 && north > 0) {
    const edge = [[west, south], [west, north], [east, south], [east, north]].map((p) => Math.abs(toLonLat(p, key)[1]));
    const least = Math.min(...edge);
    return { west: -180, east: 180, south: pole > 0 ? least : -90, north: pole > 0 ? 90 : -least };
  }
  const middle = toLonLat([(west + east) / 2, (south + north) / 2], key)[0];
  const found = { west: Infinity, east: -Infinity, south: 90, north: -90 };
  const n = 12;
  for (let i = 0; i <= n; i += 1) {
    for (let j = 0; j <= n; j += 1) {
      let x = west + ((east - west) * i) / n;
      let y = south + ((north - south) * j) / n;
      let turns = 0;
      if (!pole) {
        const half = quarter() * (1 - 1e-9);
        y = Math.max(-half, Math.min(half, y));
        const full = 4 * quarter();
        turns = Math.round(x / full);
        x -= turns * full;
      }
      let [lon, lat] = toLonLat([x, y], key);
      if (pole || Math.abs(turns) < 1) lon = middle + ((((lon - middle + 180) % 360) + 360) % 360) - 180;
      if (!Number.isFinite(lon) || !Number.isFinite(lat)) continue;
      found.west = Math.min(found.west, lon);
      found.east = Math.max(found.east, lon);
      found.south = Math.min(found.south, lat);
      found.north = Math.max(found.north, lat);
    }
  }
  return found;
}

const OVER_THE_MAP = '#panel, #globe, .ol-zoom, #swipe .tag, #swipe .handle';
const EDGE = 6; // px

/** Return `take(box)`, which says whether a label of a window (px) lies free, and keeps its place for it. */
function room([width, height]) {
  const taken = [...document.querySelectorAll(OVER_THE_MAP)].map((element) => element.getBoundingClientRect());
  // The scale bar's row has no labels, so that those above stand in a row.
  const scale = document.querySelector('.ol-scale-line')?.getBoundingClientRect();
  if (scale?.height) taken.push({ left: 0, right: width, top: scale.top, bottom: height });
  return {
    width,
    height,
    take(box) {
      if (box.left < EDGE || box.top < EDGE || box.right > width - EDGE || box.bottom > height - EDGE) return false;
      if (taken.some((t) => box.left < t.right && box.right > t.left && box.top < t.bottom && box.bottom > t.top)) return false;
      taken.push(box);
      return true;
    },
  };
}

const stepFor = (span) => STEPS.find((step) => span / step >= LINES) ?? STEPS.at(-1);

function lines(extent, key, free) {
  const { west, east, south, north } = bounds(extent, key);
  if (!(east > west)) return [];
  const whole = east - west > 359;
  const along = whole ? 30 : stepFor(east - west);
  const up = stepFor(north - south);
  const features = [];
  const line = (points) => features.push(new Feature(new LineString(points)));
  /** Write a line's degrees at the first of its points where they lie free. */
  const label = (points, text, axis) => {
    const at = points.find(([x, y]) => {
      const [column, row] = [((x - extent[0]) / (extent[2] - extent[0])) * free.width, ((extent[3] - y) / (extent[3] - extent[1])) * free.height];
      return free.take(boxOf(column, row, text, axis));
    });
    if (!at) return;
    const feature = new Feature(new Point(at));
    feature.set('label', labelStyle(text, axis));
    features.push(feature);
  };
  const between = (from, to) => Array.from({ length: POINTS + 1 }, (_, i) => from + ((to - from) * i) / POINTS);
  for (let lon = Math.ceil(west / along) * along; lon <= east + 1e-9 && !(whole && lon > 179.9); lon += along) {
    const points = between(south, north).map((lat) => fromLonLat([lon, lat], key));
    line(points);
    // From the end where meridians lie apart: away from the pole.
    label(poleOf(key) < 0 ? points.reverse() : points, degrees(lon, along, 'E', 'W', true), 'x');
  }
  for (let lat = Math.ceil(south / up) * up; lat <= north + 1e-9; lat += up) {
    const points = between(west, east).map((lon) => fromLonLat([lon, lat], key));
    line(points);
    label(points.reverse(), degrees(lat, up, 'N', 'S'), 'y');
  }
  return features;
}

function degrees(value, step, positive, negative, turn = false) {
  let shown = turn ? ((((value + 180) % 360) + 360) % 360) - 180 : value;
  if (Math.abs(shown) < 1e-9) shown = 0;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const side = shown === 0 || Math.abs(shown) === 180 ? '' : ` ${shown > 0 ? positive : negative}`;
  return `${Math.abs(shown).toFixed(digits)}°${side}`;
}

const [LETTER, HALF, ASIDE, ABOVE] = [7, 8, 4, 8]; // px of a label: a letter's width, half its height, its shifts

/** The box (px) of a label at a point: beside its meridian, or above its parallel. */
function boxOf(column, row, text, axis) {
  const width = text.length * LETTER;
  const left = axis === 'x' ? column + ASIDE : column - width;
  const middle = axis === 'x' ? row : row - ABOVE;
  return { left, right: left + width, top: middle - HALF, bottom: middle + HALF };
}

function labelStyle(text, axis) {
  return new Style({
    text: new Text({
      text,
      font: '11px system-ui, "DejaVu Sans", sans-serif',
      fill: new Fill({ color: 'rgba(214, 226, 240, 0.85)' }),
      stroke: new Stroke({ color: 'rgba(8, 12, 18, 0.85)', width: 3 }),
      offsetY: axis === 'x' ? 0 : -ABOVE,
      offsetX: axis === 'x' ? ASIDE : 0,
      textAlign: axis === 'x' ? 'left' : 'right',
      overflow: true,
    }),
    zIndex: 2,
  });
}
