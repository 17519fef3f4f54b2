// The web map of nightside: what `view.json` lists, drawn straight from its files.
import Feature from 'ol/Feature.js';
import OlMap from 'ol/Map.js';
import View from 'ol/View.js';
import ScaleLine from 'ol/control/ScaleLine.js';
import Zoom from 'ol/control/Zoom.js';
import { defaults } from 'ol/interaction/defaults.js';
import Point from 'ol/geom/Point.js';
import VectorLayer from 'ol/layer/Vector.js';
import { transformExtent } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';
import { Circle, Fill, Stroke, Style } from 'ol/style.js';
import { makeAnomalies } from './anomalies.js';
import { drawGlobe } from './globe.js';
import { makeGraticule } from './graticule.js';
import { makeLayer, restyle, stretch } from './layers.js';
import * as link from './link.js';
import { buildPanel } from './panel.js';
import { inspect } from './place.js';
import { code, extentOf, fromLonLat, overlap, placeAt, poleOf, registerAll, toLonLat, words } from './projections.js';
import { makeSwipe } from './swipe.js';

const NARROW = 760; // of viewer.css
const SCORE = 'thermal/anomaly_score';
const POLAR_M = 300; // metres a pixel at which a pole is first seen
const $ = (id) => document.getElementById(id);

function fault(text) {
  const box = document.createElement('p');
  box.className = 'fault';
  box.setAttribute('role', 'alert');
  box.textContent = text;
  document.body.replaceChildren(box);
}

async function json(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is not there (${response.status}); run 'nightside view' again`);
  return response.json();
}

async function start() {
  if (!document.createElement('canvas').getContext('webgl2')) {
    fault('This map draws with WebGL2, which this browser does not offer: switch on hardware acceleration in its settings, or use a current Firefox, Chrome, Edge or Safari.');
    return;
  }
  const view = await json('view.json');
  registerAll(view.projections, view.radius_m);
  const outlines = await json('anomalies.geojson').catch((error) => {
    view.warnings.push(`anomalies: ${error.message}`);
    return { type: 'FeatureCollection', features: [] };
  });
  window.viewer = new Viewer(view, outlines);
}

/** The part of the window that the panel leaves to the map, in pixels. */
function free() {
  const { right, top } = $('panel').getBoundingClientRect();
  const whole = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  if ($('panel').classList.contains('folded')) return whole;
  return innerWidth > NARROW ? { ...whole, left: right } : { ...whole, bottom: top };
}

class Viewer {
  constructor(view, outlines) {
    this.view = view;
    this.about = new Map(view.layers.map((layer) => [layer.id, layer]));
    this.layers = new Map();
    const linked = link.read(location.hash, view);
    this.state = { ...this.first(), ...linked };
    this.pair = view.compare ?? this.firstPair();
    this.marker = new VectorSource();
    this.map = new OlMap({
      target: 'map',
      layers: [],
      interactions: defaults({ keyboard: false }), // the keys of `listen` do the same on any keyboard
      controls: [new Zoom(), new ScaleLine({ minWidth: 90 })],
      view: new View({ projection: code(this.state.projection), center: [0, 0], resolution: 1000 }),
    });
    this.graticule = makeGraticule(this.map, () => this.state.projection);
    this.anomalies = makeAnomalies(outlines, () => this.state.projection);
    this.map.addLayer(this.graticule);
    this.map.addLayer(this.anomalies.layer);
    this.map.addLayer(new VectorLayer({ source: this.marker, style: MARK, zIndex: 80 }));
    this.swipe = makeSwipe(this);
    this.panel = buildPanel(this);
    this.place(this.state.projection, this.state.centre, this.state.resolution);
    this.sync();
    this.listen();
    if (linked.place) this.askLinked(linked);
    this.panel.warn(view.warnings);
    document.title = `${view.name} · nightside`;
    $('run').textContent = view.name;
  }

  /** What is shown without a link: nightside's mosaic if there is one, else the anomalies. */
  first() {
    const { layers, compare } = this.view;
    const wanted = [SCORE, compare?.[1]].filter((id) => this.about.has(id));
    const top = wanted[0] ?? layers[0].id;
    return {
      projection: this.about.get(top).projection,
      shown: [this.asFound(top)],
      compare: null,
      place: null,
      anomalies: true,
    };
  }

  /** The first two layers that share ground, or null. */
  firstPair() {
    const { layers } = this.view;
    for (let k = 1; k < layers.length; k += 1) {
      const before = layers.slice(0, k).find((layer) => overlap(layer, layers[k]));
      if (before) return [layers[k].id, before.id];
    }
    return null;
  }

  /** Whether these are the mosaics before and after. */
  isPair(...ids) {
    return Boolean(this.view.compare?.every((id) => ids.includes(id)));
  }

  share(before, after) {
    return overlap(this.about.get(before), this.about.get(after));
  }

  asFound(id) {
    const { minimum: low, maximum, colours } = this.about.get(id);
    return { id, colours, low, high: maximum > low ? maximum : low + 1, opacity: 1 };
  }

  /** Lay the view into a projection, by default around what is shown. */
  place(projection, centre, resolution) {
    this.state.projection = projection;
    const size = this.map.getSize() ?? [innerWidth, innerHeight];
    const view = new View({ projection: code(projection), center: centre ?? [0, 0], resolution: resolution ?? 1000, minResolution: 0.05, maxResolution: 20000, constrainResolution: false, enableRotation: false, multiWorld: true });
    this.map.setView(view);
    if (!centre) this.fit(this.state.shown[0]?.id ?? this.view.layers[0].id, size);
    this.anomalies.draw();
    this.mark();
  }

  fit(id) {
    const about = this.about.get(id);
    const wide = innerWidth > NARROW;
    const extent = transformExtent(extentOf(about), code(about.projection), code(this.state.projection), 16);
    if (!extent.every(Number.isFinite)) return;
    this.map.getView().fit(extent, { padding: wide ? [40, 190, 70, 430] : [30, 30, innerHeight * 0.5, 30] });
  }

  /** Make the map's layers those of the state. */
  sync() {
    if (this.state.compare) {
      const { before, after } = this.state.compare;
      if (this.share(before, after)) this.pair = [before, after];
      else this.state.compare = null; // a link may ask for anything
    }
    const { shown, compare } = this.state;
    const wanted = [...shown];
    for (const id of compare ? [compare.after, compare.before] : []) if (!wanted.some((s) => s.id === id)) wanted.push(this.asFound(id));
    if (compare) {
      // One stretch for both sides, so that neither is flattered.
      const after = wanted.find((s) => s.id === compare.after);
      const before = wanted.find((s) => s.id === compare.before);
      if (this.isPair(before.id, after.id)) Object.assign(before, { low: after.low, high: after.high, colours: after.colours });
    }
    for (const [id, layer] of this.layers) {
      if (layer.get('projection') === this.state.projection && wanted.some((s) => s.id === id)) continue;
      this.map.removeLayer(layer);
      layer.dispose();
      this.layers.delete(id);
    }
    wanted.forEach((entry, k) => {
      const about = this.about.get(entry.id);
      let layer = this.layers.get(entry.id);
      if (!layer) {
        layer = makeLayer(about, this.state.projection, entry, this.view.scales);
        const source = layer.getSource();
        const unread = () => this.notice(`${about.url} cannot be read; run 'nightside view' again, or its step`);
        source.on('change', () => source.getState() === 'error' && unread());
        source.on('tileloaderror', unread);
        this.layers.set(entry.id, layer);
        this.map.addLayer(layer);
        this.swipe.watch(layer);
      }
      if (layer.get('colours') !== entry.colours) restyle(layer, about, entry, this.view.scales);
      stretch(layer, entry);
      layer.setOpacity(entry.opacity);
      layer.setZIndex(30 - k);
      layer.setVisible(!compare || [compare.before, compare.after].includes(entry.id));
    });
    this.anomalies.layer.setVisible(this.state.anomalies);
    this.swipe.draw();
    this.panel.draw();
    this.remember();
  }

  show(id) {
    const at = this.state.shown.findIndex((s) => s.id === id);
    if (at >= 0) this.state.shown.splice(at, 1);
    else this.state.shown.unshift(this.asFound(id));
    this.state.compare = null;
    this.sync();
    if (at < 0 && !this.sees(id)) this.fit(id);
  }

  /** Whether the view meets a layer. */
  sees(id) {
    const about = this.about.get(id);
    const extent = transformExtent(extentOf(about), code(about.projection), code(this.state.projection), 16);
    const [w, s, e, n] = this.map.getView().calculateExtent(this.map.getSize());
    return extent[0] < e && extent[2] > w && extent[1] < n && extent[3] > s;
  }

  /** Part two layers by the bar; two that share no ground are only chosen, and the page says why. */
  compare(before, after) {
    this.pair = [before, after];
    if (!this.share(before, after)) {
      this.state.compare = null;
      this.sync();
      return;
    }
    if (!this.state.shown.some((s) => s.id === after)) this.state.shown.unshift(this.asFound(after));
    const { projection } = this.about.get(after);
    if (!this.state.compare && !this.sees(after)) {
      this.place(projection);
      this.fit(after);
      // Near enough to see what differs, and where it lies now.
      const [west, south, east, north] = extentOf(this.about.get(after));
      this.map.getView().adjustZoom(1.2, [(west + east) / 2, (south + north) / 2]);
    }
    this.state.compare = { before, after, part: this.state.compare?.part ?? 0.55 };
    this.sync();
  }

  project(key) {
    const centre = toLonLat(this.map.getView().getCenter(), this.state.projection);
    const resolution = this.map.getView().getResolution();
    if (poleOf(key) * centre[1] < 0) {
      this.place(key, [0, 0], Math.max(resolution, POLAR_M));
      this.notice('What was in the middle lies in the other hemisphere: this is the pole.');
    } else this.place(key, fromLonLat(centre, key), resolution);
    this.sync();
  }

  /** Ask for all that the files hold at a place, [longitude, latitude] in degrees. */
  ask(lonlat) {
    this.state.place = lonlat;
    this.mark();
    this.remember();
    inspect(this, lonlat, this.panel.page('place'));
    this.panel.open('place');
  }

  /**
   * Ask for the place of a link. If it lay in the window that the link was made in, bring it into sight here: this window
   * may be smaller. A place that was out of sight there, or any place under a comparison, leaves the view as it was.
   */
  askLinked({ place, centre, resolution: linkedResolution, size }) {
    this.ask(place);
    if (this.state.compare) return;
    const view = this.map.getView();
    if (poleOf(this.state.projection) * place[1] < 0) return; // the other hemisphere
    const [x, y] = fromLonLat(place, this.state.projection);
    if (centre) {
      const [width, height] = size ?? this.map.getSize();
      if (Math.abs(x - centre[0]) > (width / 2) * linkedResolution || Math.abs(y - centre[1]) > (height / 2) * linkedResolution) return;
    }
    const [west, south, east, north] = view.calculateExtent(this.map.getSize());
    const resolution = view.getResolution();
    const { left, top, right, bottom } = free();
    const [column, row] = [(x - west) / resolution, (north - y) / resolution];
    if (column > left && column < right && row > top && row < bottom) return;
    view.setCenter([x + ((east - west) / resolution - left - right) / 2 * resolution, y - ((north - south) / resolution - top - bottom) / 2 * resolution]);
  }

  mark() {
    this.marker.clear();
    if (this.state.place) this.marker.addFeature(new Feature(new Point(fromLonLat(this.state.place, this.state.projection))));
  }

  /** Fly to an anomaly's bounds in degrees; a comparison ends, and their score is shown. */
  flyTo(extentLonLat) {
    if (this.state.compare) {
      this.state.compare = null;
      this.sync();
    }
    if (this.about.has(SCORE) && !this.state.shown.some((s) => s.id === SCORE)) this.show(SCORE);
    const extent = transformExtent(extentLonLat, 'lonlat', code(this.state.projection), 8);
    const wide = innerWidth > NARROW;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.map.getView().fit(extent, { duration: still ? 0 : 900, minResolution: 12, padding: wide ? [140, 260, 140, 520] : [60, 60, innerHeight * 0.55, 60] });
  }

  remember() {
    const view = this.map.getView();
    this.state.centre = view.getCenter();
    this.state.resolution = view.getResolution();
    this.state.size = this.map.getSize() ?? [innerWidth, innerHeight];
    history.replaceState(null, '', link.write(this.state));
  }

  notice(text) {
    const box = $('notice');
    box.textContent = text;
    box.hidden = false;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => (box.hidden = true), 7000);
  }

  listen() {
    this.map.on('moveend', () => {
      this.remember();
      drawGlobe($('globe'), this.map.getView().calculateExtent(this.map.getSize()), this.state.projection);
    });
    this.map.on('singleclick', (event) => {
      const lonlat = placeAt(event.coordinate, this.state.projection);
      if (!lonlat) return;
      const anomaly = this.state.anomalies && this.anomalies.layer.getSource().getFeaturesAtCoordinate(event.coordinate)[0];
      this.anomalies.choose(anomaly || null);
      this.ask(lonlat);
    });
    this.map.on('pointermove', (event) => {
      const at = placeAt(event.coordinate, this.state.projection);
      const { latitude, longitude, east } = words(at ?? [0, 0], 3);
      $('pointer').textContent = at ? `${latitude}  ${longitude}${longitude === east ? '' : `  (${east})`}` : '';
    });
    $('map').addEventListener('keydown', (event) => {
      const view = this.map.getView();
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (move) {
        const [x, y] = view.getCenter();
        const step = 90 * view.getResolution();
        view.setCenter([x + move[0] * step, y + move[1] * step]);
      } else if (event.key === '+' || event.key === '=') view.adjustZoom(0.5);
      else if (event.key === '-') view.adjustZoom(-0.5);
      else if (event.key === 'Enter') {
        const middle = placeAt(view.getCenter(), this.state.projection);
        if (middle) this.ask(middle);
      } else return;
      event.preventDefault();
    });
    addEventListener('hashchange', () => {
      const linked = link.read(location.hash, this.view);
      Object.assign(this.state, { compare: null, place: null, centre: null, resolution: null }, linked);
      this.place(this.state.projection, this.state.centre, this.state.resolution);
      this.sync();
      if (linked.place) this.askLinked(linked);
    });
    $('share').addEventListener('click', async () => {
      await navigator.clipboard?.writeText(location.href).then(
        () => this.notice('The link to this view is in the clipboard.'),
        () => this.notice('The address of this page is the link to this view.'),
      );
    });
    addEventListener('resize', () => this.swipe.draw());
    // Where labels find room depends on what lies over the map.
    new ResizeObserver(() => this.graticule.get('update')()).observe($('panel'));
  }
}

const MARK = [
  new Style({ image: new Circle({ radius: 9, stroke: new Stroke({ color: 'rgba(8,12,18,.8)', width: 5 }) }) }),
  new Style({ image: new Circle({ radius: 9, stroke: new Stroke({ color: '#f4b63f', width: 2 }) }) }),
  new Style({ image: new Circle({ radius: 1.5, fill: new Fill({ color: '#f4b63f' }) }) }),
];

start().catch((error) => fault(`The map cannot start: ${error.message}`));
