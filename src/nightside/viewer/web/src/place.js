// What is at a place: coordinates, the day's temperatures, what each latent does to them, and the value of every layer.
import { make } from './dom.js';
import { plot } from './plot.js';
import { loadDecoder } from './decoder.js';
import { words } from './projections.js';
import { figure, profileAt, valueAt } from './values.js';

let decoder = null;
let asked = 0;

const QUALITY = { 1: 'no observations here', 2: 'a gap of the observations is too long here' };

export async function inspect(viewer, lonlat, page) {
  asked += 1;
  const mine = asked;
  const { latitude, longitude, east } = words(lonlat, 6);
  const day = make('div', { class: 'day' });
  const values = make('div', { class: 'values', 'aria-busy': 'true' });
  page.replaceChildren(
    make('dl', { class: 'coordinates' }, make('dt', { text: 'Latitude' }), make('dd', { text: latitude }), make('dt', { text: 'Longitude' }), make('dd', {}, longitude, ...(east === longitude ? [] : [make('small', { text: east })]))),
    day, values,
  );
  await Promise.all([drawDay(viewer.view.profiles, lonlat, day), drawValues(viewer.view.layers, lonlat, values, () => mine === asked)]);
  values.removeAttribute('aria-busy');
}

async function drawValues(layers, lonlat, box, current) {
  const found = await Promise.all(layers.map((about) => valueAt(about, lonlat).catch((error) => error)));
  if (!current()) return;
  const faults = layers.filter((_, k) => found[k] instanceof Error);
  if (faults.length) box.append(make('p', { class: 'warning', text: `cannot be read: ${faults.map((l) => l.url).join(', ')}` }));
  for (const group of new Set(layers.map((l) => l.group))) {
    const rows = layers.flatMap((about, k) => {
      const value = found[k];
      if (about.group !== group || value === null || value instanceof Error) return [];
      return [make('tr', { 'data-layer': about.id }, make('th', { scope: 'row', text: about.title, title: about.about }), make('td', { text: figure(value), title: String(value) }), make('td', { text: about.units === '1' ? '' : about.units }))];
    });
    if (rows.length) box.append(make('h3', { text: group }), make('table', {}, make('tbody', {}, ...rows)));
  }
  if (!box.querySelector('table')) box.append(make('p', { class: 'hint', text: 'No layer covers this place.' }));
}

async function drawDay(profiles, lonlat, box) {
  if (!profiles) return;
  let at;
  try {
    at = await profileAt(profiles, lonlat);
  } catch (error) {
    box.append(make('p', { class: 'warning', text: `The profile cannot be read from ${profiles.url}: ${error.message}` }));
    return;
  }
  if (!at) return;
  box.append(make('h3', { text: 'Temperature over the lunar day' }));
  if (at.quality !== 0 || !at.temperature.some(Number.isFinite)) {
    box.append(make('p', { class: 'hint', text: `No profile: ${QUALITY[at.quality] ?? 'no data here'}.` }));
    return;
  }
  const interpolated = {
    kind: 'interpolated', hours: at.hours, values: at.temperature,
    low: at.temperature.map((t, i) => t - at.std[i]), high: at.temperature.map((t, i) => t + at.std[i]),
  };
  const curves = [interpolated];
  const legend = make('p', { class: 'legend' }, make('i', { class: 'interpolated' }), make('span', { text: 'interpolated', title: 'from the measurements, by a Gaussian process' }));
  box.append(make('div', { class: 'plot' }, plot(curves, 'Temperature over the lunar day')), legend);
  if (!profiles.model || !at.latents) return;
  try {
    decoder ??= loadDecoder(profiles.model);
    const { decode, usual } = await decoder;
    const rebuilt = decode(at.latents);
    const rms = Math.sqrt(at.temperature.reduce((sum, t, i) => sum + (t - rebuilt[i]) ** 2, 0) / rebuilt.length);
    curves.push({ kind: 'rebuilt', hours: at.hours, values: rebuilt });
    box.querySelector('.plot').replaceChildren(plot(curves, 'Temperature over the lunar day, interpolated and reconstructed'));
    legend.append(make('i', { class: 'rebuilt' }), `reconstructed (rms ${rms.toFixed(1)} K)`);
    box.dataset.rms = rms;
    drawParts(profiles.model, at, rebuilt, decode, usual, box);
  } catch (error) {
    decoder = null;
    box.append(make('p', { class: 'warning', text: `The reconstruction cannot be drawn: ${error.message}` }));
  }
}

/** The part of each latent: the reconstruction less that with the latent at the region's median. */
function drawParts(model, at, rebuilt, decode, usual, box) {
  box.append(make('h3', { text: 'What each latent adds here' }), make('p', { class: 'hint', text: 'K, over the lunar day: the reconstruction less that with this latent at the region’s median.' }));
  const parts = model.names.map((name, k) => {
    const without = decode(at.latents.map((z, i) => (i === k ? usual[i] : z)));
    return { name, value: at.latents[k] * model.scale[k] + model.centre[k], units: model.units[k], added: rebuilt.map((t, i) => t - without[i]) };
  });
  const most = Math.max(1, ...parts.flatMap(({ added }) => added.map(Math.abs)));
  const [width, height] = [150, 40];
  const list = make('div', { class: 'parts' });
  for (const { name, value, units, added } of parts) {
    const path = added.map((t, i) => `${i ? 'L' : 'M'}${((width * at.hours[i]) / 24).toFixed(1)} ${(height / 2 - (t / most) * (height / 2 - 2)).toFixed(1)}`).join('');
    const peak = added.reduce((best, t) => (Math.abs(t) > Math.abs(best) ? t : best), 0);
    const row = make('div', { class: 'part' }, make('span', {}, name.replaceAll('_', ' '), make('small', { text: `${figure(Number(value.toPrecision(3)))}${units === '1' ? '' : ` ${units}`}` })));
    row.insertAdjacentHTML('beforeend', `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true"><path class="zero" d="M0 ${height / 2}H${width}"/><path class="night" d="M${width / 4} 0V${height}M${(3 * width) / 4} 0V${height}"/><path class="added" d="${path}"/></svg>`);
    const size = Math.abs(peak).toFixed(1);
    const sign = Number(size) === 0 ? '' : peak > 0 ? '+' : '−';
    row.append(make('em', { text: `${sign}${size} K`, title: 'the largest change in the day' }));
    list.append(row);
  }
  box.append(list);
}
