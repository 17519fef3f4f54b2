// The view as the part of the address behind #, and back.

/** Write a state as a hash; `shown` lists layers from the top. */
export function write(state) {
  const parts = new URLSearchParams();
  parts.set('map', state.projection);
  parts.set('at', [...state.centre, state.resolution].map((v) => Number(v.toPrecision(9))).join(','));
  parts.set('window', state.size.join(','));
  parts.set('layers', state.shown.map((s) => [s.id, s.colours, round(s.low), round(s.high), s.opacity].join('~')).join(';'));
  if (state.compare) parts.set('swipe', [state.compare.before, state.compare.after, round(state.compare.part)].join('~'));
  if (state.place) parts.set('place', state.place.map((v) => v.toFixed(6)).join(','));
  if (!state.anomalies) parts.set('anomalies', 'no');
  return `#${decodeURIComponent(parts.toString())}`;
}

const FARTHEST_M = 1e8; // beyond every projection
const round = (value) => Number(Number(value).toPrecision(7));

/** Read what a hash says; what the catalogue does not know is left out. */
export function read(hash, view) {
  const parts = new URLSearchParams(hash.replace(/^#/, '').replaceAll('+', '%2B'));
  const numbers = (text, n) => {
    const found = (text ?? '').split(',').map(Number);
    return text && found.length === n && found.every(Number.isFinite) ? found : null;
  };
  const known = (id) => view.layers.some((layer) => layer.id === id);
  const at = numbers(parts.get('at'), 3);
  const size = numbers(parts.get('window'), 2);
  const state = {};
  if (Object.hasOwn(view.projections, parts.get('map'))) state.projection = parts.get('map');
  if (at && at[2] > 0 && Math.hypot(at[0], at[1]) < FARTHEST_M) Object.assign(state, { centre: at.slice(0, 2), resolution: at[2] });
  if (size) state.size = size;
  if (parts.has('layers')) {
    const named = new Set();
    state.shown = parts.get('layers').split(';').map((text) => text.split('~')).flatMap(([id, colours, ...rest]) => {
      const [low, high, opacity] = rest.map(Number);
      const good = known(id) && !named.has(id) && Object.hasOwn(view.scales, colours) && high > low && opacity >= 0 && opacity <= 1;
      if (good) named.add(id);
      return good ? [{ id, colours, low, high, opacity }] : [];
    });
  }
  const [before, after, part] = (parts.get('swipe') ?? '').split('~');
  if (known(before) && known(after) && before !== after && part >= 0 && part <= 1) state.compare = { before, after, part: Number(part) };
  const place = numbers(parts.get('place'), 2);
  if (place && place[0] >= -180 && place[0] <= 360 && Math.abs(place[1]) <= 90) state.place = place;
  state.anomalies = parts.get('anomalies') !== 'no';
  return state;
}
