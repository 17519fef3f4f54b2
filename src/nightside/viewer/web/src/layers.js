// Layers straight from COG: source, colours and stretch.
import WebGLTileLayer from 'ol/layer/WebGLTile.js';
import GeoTIFF from 'ol/source/GeoTIFF.js';
import { code } from './projections.js';

/** Make the map's layer of a layer of the catalogue, as `shown` says: `{colours, low, high, opacity}`. */
export function makeLayer(about, shown, scales) {
  const source = new GeoTIFF({
    sources: [{ url: about.url, bands: [1] }],
    projection: code(about.projection),
    normalize: false,
    interpolate: false,
    transition: 0,
    sourceOptions: { allowFullFile: true },
  });
  const layer = new WebGLTileLayer({ source, style: style(about, shown, scales), opacity: shown.opacity });
  layer.set('id', about.id);
  return layer;
}

export function restyle(layer, about, shown, scales) {
  layer.setStyle(style(about, shown, scales));
}

export function stretch(layer, { low, high }) {
  layer.updateStyleVariables({ low, high });
}

/** The colour of value v is that of the whole part of 256 (v - low) / (high - low): matplotlib's rule. */
function style(about, shown, scales) {
  const value = ['+', ['*', ['band', 1], about.scale], about.offset];
  const part = ['/', ['-', value, ['var', 'low']], ['-', ['var', 'high'], ['var', 'low']]];
  const colour = ['palette', ['clamp', ['floor', ['*', part, 256]], 0, 255], scales[shown.colours]];
  return {
    variables: { low: shown.low, high: shown.high },
    color: about.nodata ? ['case', ['==', ['band', 2], 0], ['color', 0, 0, 0, 0], colour] : colour,
  };
}
