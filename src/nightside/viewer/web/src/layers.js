// Layers straight from COG: source, colours and stretch.
import WebGLTileLayer from 'ol/layer/WebGLTile.js';
import GeoTIFF from 'ol/source/GeoTIFF.js';
import { code, liesWithin } from './projections.js';
import { warpedSource } from './warped.js';

/** Make the layer of a map in the projection `key` from one of the catalogue, as `shown` says: `{colours, low, high, opacity}`. */
export function makeLayer(about, key, shown, scales) {
  // OpenLayers alone would give a NaN that no tag names the lowest colour, and draw beyond 180 degrees.
  const own = about.projection === key && (about.nodata || about.codes) && liesWithin(about);
  const source = own ? ownSource(about) : warpedSource(about, key);
  const layer = new WebGLTileLayer({ source, opacity: shown.opacity });
  layer.set('id', about.id);
  layer.set('projection', key);
  layer.set('gaps', about.nodata || !own);
  restyle(layer, about, shown, scales);
  return layer;
}

/** The file as it is: its cells and levels are the tiles' pixels. */
function ownSource(about) {
  return new GeoTIFF({
    sources: [{ url: about.url, bands: [1] }],
    projection: code(about.projection),
    normalize: false,
    interpolate: false,
    transition: 0,
    sourceOptions: { allowFullFile: true },
  });
}

export function restyle(layer, about, shown, scales) {
  layer.setStyle(style(about, layer.get('gaps'), shown, scales));
  layer.set('colours', shown.colours);
}

export function stretch(layer, { low, high }) {
  layer.updateStyleVariables({ low, high });
}

/** The colour of value v is that of the whole part of 256 (v - low) / (high - low): matplotlib's rule. */
function style(about, gaps, shown, scales) {
  const value = ['+', ['*', ['band', 1], about.scale], about.offset];
  const part = ['/', ['-', value, ['var', 'low']], ['-', ['var', 'high'], ['var', 'low']]];
  const colour = ['palette', ['clamp', ['floor', ['*', part, 256]], 0, 255], scales[shown.colours]];
  return {
    variables: { low: shown.low, high: shown.high },
    color: gaps ? ['case', ['==', ['band', 2], 0], ['color', 0, 0, 0, 0], colour] : colour,
  };
}
