// The panel: tabs of layers, before and after, anomalies, and the place that was asked for.
import { boundsOf } from './anomalies.js';
import { make } from './dom.js';
import { words } from './projections.js';
import { figure } from './values.js';

const TABS = { layers: 'Layers', compare: 'Before / after', anomalies: 'Anomalies', place: 'Place' };

export function buildPanel(viewer) {
  const [panel, tabs, pages, fold] = ['panel', 'tabs', 'pages', 'fold'].map((id) => document.getElementById(id));
  const buttons = {};
  const sheets = {};
  for (const [key, title] of Object.entries(TABS)) {
    buttons[key] = make('button', { type: 'button', role: 'tab', id: `tab-${key}`, 'aria-controls': `page-${key}`, onclick: () => open(key), text: title });
    sheets[key] = make('div', { role: 'tabpanel', id: `page-${key}`, 'aria-labelledby': `tab-${key}` });
  }
  tabs.append(...Object.values(buttons));
  pages.append(...Object.values(sheets));
  tabs.addEventListener('keydown', (event) => {
    const keys = Object.keys(TABS);
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const at = keys.findIndex((key) => buttons[key] === document.activeElement);
    const next = keys[(at + by + keys.length) % keys.length];
    open(next);
    buttons[next].focus();
  });
  const unfold = (out) => {
    panel.classList.toggle('folded', !out);
    fold.setAttribute('aria-expanded', String(out));
    fold.textContent = out ? '▾' : '▴';
  };
  fold.addEventListener('click', () => unfold(panel.classList.contains('folded')));
  function open(key) {
    unfold(true);
    for (const name of Object.keys(TABS)) {
      buttons[name].setAttribute('aria-selected', String(name === key));
      buttons[name].tabIndex = name === key ? 0 : -1;
      sheets[name].hidden = name !== key;
    }
  }
  open('layers');
  sheets.place.append(make('p', { class: 'hint', text: 'Click the map: coordinates, the values of all layers, and the day’s temperatures there.' }));

  const lists = { projections: make('div', { class: 'segments', role: 'group', 'aria-label': 'Projection' }), shown: make('div'), all: make('div') };
  sheets.layers.append(lists.projections, lists.shown, lists.all);
  drawAll(viewer, lists.all);
  drawAnomalies(viewer, sheets.anomalies);
  let drawn = '';
  return {
    open,
    page: (key) => sheets[key],
    warn(texts) {
      if (texts.length) sheets.layers.prepend(make('div', { class: 'warning', role: 'alert' }, ...texts.map((text) => make('p', { text }))));
    },
    draw() {
      const { state, view } = viewer;
      lists.projections.replaceChildren(
        ...Object.entries(view.projections).map(([key, { title }]) =>
          make('button', { type: 'button', text: title, 'aria-pressed': String(key === state.projection), onclick: () => viewer.project(key) }),
        ),
      );
      // A slider that is being drawn must not be replaced under the finger.
      const order = state.shown.map((s) => `${s.id}~${s.colours}`).join();
      if (order !== drawn) lists.shown.replaceChildren(...state.shown.map((entry, k) => card(viewer, entry, k)));
      drawn = order;
      for (const input of lists.all.querySelectorAll('input')) input.checked = state.shown.some((s) => s.id === input.value);
      drawCompare(viewer, sheets.compare);
      const box = sheets.anomalies.querySelector('input');
      if (box) box.checked = state.anomalies;
    },
  };
}

/** The card of a shown layer: name, colours, stretch, opacity. */
function card(viewer, entry, k) {
  const { view, state } = viewer;
  const about = viewer.about.get(entry.id);
  const number = (which, label) =>
    make('input', { type: 'number', step: 'any', value: figure(entry[which]), 'aria-label': `${label} of ${about.title}`, onchange: (event) => setStretch(which, Number(event.target.value)) });
  const [low, high] = [number('low', 'lowest value'), number('high', 'highest value')];
  function setStretch(which, value) {
    const next = { ...entry, [which]: value };
    if (Number.isFinite(value) && next.high > next.low) entry[which] = value;
    else viewer.notice('The stretch needs a lower value below the higher one.');
    [low.value, high.value] = [figure(entry.low), figure(entry.high)];
    viewer.sync();
  }
  const span = about.maximum - about.minimum || 1;
  const slider = (which, label) =>
    make('input', {
      type: 'range', min: about.minimum - span, max: about.maximum + span, step: span / 200, value: entry[which], 'aria-label': `${label} of ${about.title}`,
      oninput: (event) => {
        const value = Number(event.target.value);
        if (which === 'low' ? value < entry.high : value > entry.low) setStretch(which, value);
        else event.target.value = entry[which];
      },
    });
  const bar = make('div', { class: 'bar', style: `background: linear-gradient(90deg, ${view.scales[entry.colours].filter((_, i) => i % 15 === 0).join()})` });
  const swap = (by) => {
    const [taken] = state.shown.splice(k, 1);
    state.shown.splice(k + by, 0, taken);
    viewer.sync();
  };
  return make(
    'article', { class: 'card', 'data-layer': about.id },
    make('h3', {}, make('span', { text: about.title }), make('small', { text: about.units === '1' ? '' : about.units })),
    make('p', { class: 'about', text: about.about }),
    bar,
    make('div', { class: 'row' }, low, high),
    make('div', { class: 'stretch' }, slider('low', 'stretch from'), slider('high', 'stretch to')),
    make(
      'div', { class: 'row' },
      make(
        'select', { 'aria-label': `Colours of ${about.title}`, onchange: (event) => { entry.colours = event.target.value; viewer.sync(); } },
        ...Object.keys(view.scales).map((name) => make('option', { value: name, text: name, selected: name === entry.colours })),
      ),
      make('label', { class: 'opacity' }, 'opacity', make('input', { type: 'range', min: 0, max: 1, step: 0.05, value: entry.opacity, 'aria-label': `Opacity of ${about.title}`, oninput: (event) => { entry.opacity = Number(event.target.value); viewer.sync(); } })),
    ),
    make(
      'div', { class: 'tools' },
      make('button', { type: 'button', text: 'Zoom to', onclick: () => viewer.fit(about.id) }),
      make('button', { type: 'button', text: 'Reset', onclick: () => { Object.assign(entry, viewer.asFound(about.id)); [low.value, high.value] = [figure(entry.low), figure(entry.high)]; viewer.sync(); } }),
      make('button', { type: 'button', text: '↑', 'aria-label': `Raise ${about.title}`, disabled: k === 0, onclick: () => swap(-1) }),
      make('button', { type: 'button', text: '↓', 'aria-label': `Lower ${about.title}`, disabled: k === state.shown.length - 1, onclick: () => swap(1) }),
      make('button', { type: 'button', text: 'Hide', 'aria-label': `Hide ${about.title}`, onclick: () => viewer.show(about.id) }),
    ),
  );
}

/** All layers by group, each with a box to show it. */
function drawAll(viewer, list) {
  for (const [group, layers] of grouped(viewer.view.layers)) {
    list.append(
      make(
        'details', { open: layers.length < 14 },
        make('summary', {}, make('span', { text: group }), make('small', { text: String(layers.length) })),
        ...layers.map((about) => make('label', { class: 'choice', title: about.about }, make('input', { type: 'checkbox', value: about.id, onchange: () => viewer.show(about.id) }), make('span', { text: about.title }), make('small', { text: about.units === '1' ? '' : about.units }))),
      ),
    );
  }
}

function grouped(layers) {
  const groups = new Map();
  for (const layer of layers) groups.set(layer.group, [...(groups.get(layer.group) ?? []), layer]);
  return groups;
}

function drawCompare(viewer, page) {
  const { state, view, pair } = viewer;
  if (!pair) {
    page.replaceChildren(make('p', { class: 'hint', text: 'No two layers of this run show the same ground, so there is nothing to compare.' }));
    return;
  }
  const choose = (label, k) => {
    const chosen = [...pair];
    return make('label', { class: 'field' }, label, make(
      'select', { onchange: (event) => { chosen[k] = event.target.value; viewer.compare(...chosen); } },
      ...[...grouped(view.layers)].map(([group, layers]) => make('optgroup', { label: group }, ...layers.map((about) => make('option', { value: about.id, text: about.title[0].toUpperCase() + about.title.slice(1), selected: about.id === pair[k] })))),
    ));
  };
  const apart = !viewer.share(...pair);
  page.replaceChildren(
    make('p', { class: 'hint', text: viewer.isPair(...pair)
      ? 'The same shadowed ground: as the standard calibration leaves it, and after nightside. Drag the bar, or focus it and use the arrow keys. Both sides have one scale.'
      : 'Any two layers of the same ground under a bar that moves. A run with images of the dark has its mosaics here.' }),
    choose('Left', 0),
    choose('Right', 1),
    ...(apart ? [make('p', { class: 'warning', role: 'status', text: 'These two layers do not overlap: choose two of the same ground.' })] : []),
    state.compare
      ? make('button', { type: 'button', class: 'main', text: 'Stop comparing', onclick: () => { state.compare = null; viewer.sync(); } })
      : make('button', { type: 'button', class: 'main', id: 'compare', text: 'Compare', disabled: apart, onclick: () => viewer.compare(...pair) }),
  );
}

function drawAnomalies(viewer, page) {
  const { features } = viewer.anomalies;
  if (!features.length) {
    page.append(make('p', { class: 'hint', text: 'This run has no thermal anomaly above the threshold, or no thermal maps. A lower one: nightside view --threshold 4.' }));
    return;
  }
  const rows = [...features].sort((a, b) => (b.properties.peak_score ?? 0) - (a.properties.peak_score ?? 0));
  const select = (feature, button) => {
    viewer.anomalies.choose(feature);
    for (const other of page.querySelectorAll('.anomaly')) other.setAttribute('aria-current', String(other === button));
    viewer.flyTo(boundsOf(feature));
  };
  page.append(
    make('label', { class: 'choice' }, make('input', { type: 'checkbox', checked: true, onchange: (event) => { viewer.state.anomalies = event.target.checked; viewer.sync(); } }), make('span', { text: 'Show outlines' }), make('small', { text: String(features.length) })),
    ...rows.map((feature, k) => {
      const { properties } = feature;
      const { latitude, longitude } = words([properties.longitude, properties.latitude], 2);
      const button = make(
        'button', { type: 'button', class: 'anomaly', onclick: () => select(feature, button) },
        make('b', { text: String(k + 1) }),
        make('span', {}, `${latitude}, ${longitude}`, make('small', { text: described(properties) })),
        make('em', { title: 'peak anomaly score', text: (properties.peak_score ?? NaN).toFixed(1) }),
      );
      return button;
    }),
    make('p', { class: 'hint', text: 'Connected ground whose anomaly score is above a threshold (nightside view --threshold), the peak of its score at the right. Ground cut by cells without data counts as several.' }),
  );
}

const described = ({ area_km2: area }) => (Number.isFinite(area) ? `${figure(Number(area.toPrecision(3)))} km²` : '');
