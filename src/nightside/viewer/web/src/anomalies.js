// Anomalies as outlines, and which of them is chosen.
import GeoJSON from 'ol/format/GeoJSON.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';
import { Fill, Stroke, Style } from 'ol/style.js';
import { LONLAT, code } from './projections.js';

const outline = (colour, width, fill) => [
  new Style({ stroke: new Stroke({ color: 'rgba(8, 12, 18, 0.75)', width: width + 2.5 }) }),
  new Style({ stroke: new Stroke({ color: colour, width }), fill: new Fill({ color: fill }) }),
];
const USUAL = outline('#e6f2ff', 1.4, 'rgba(255, 255, 255, 0.01)');
const CHOSEN = outline('#f4b63f', 2.4, 'rgba(244, 182, 63, 0.12)');

export function makeAnomalies(geojson, projectionKey) {
  const source = new VectorSource();
  let chosen = null;
  const layer = new VectorLayer({ source, zIndex: 60, style: (feature) => (feature.getId() === chosen ? CHOSEN : USUAL) });
  const format = new GeoJSON();
  geojson.features.forEach((feature, k) => (feature.id = k));
  return {
    layer,
    features: geojson.features,
    /** Draw them in the map's projection. */
    draw() {
      source.clear(true);
      source.addFeatures(format.readFeatures(geojson, { dataProjection: LONLAT, featureProjection: code(projectionKey()) }));
    },
    choose(feature) {
      chosen = feature === null ? null : (feature.getId?.() ?? feature.id);
      layer.changed();
      return chosen;
    },
  };
}

/** Bounds of an anomaly in degrees; beyond 180 degrees where it crosses that meridian. */
export function boundsOf({ properties: { lon_min: west, lat_min: south, lon_max: east, lat_max: north } }) {
  return [west, south, east < west ? east + 360 : east, north];
}
