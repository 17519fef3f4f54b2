// Before and after: two layers on each other, parted by a bar that moves.
import { getRenderPixel } from 'ol/render.js';

const STEP = 0.02;

export function makeSwipe(viewer) {
  const bar = document.getElementById('swipe');
  const compare = () => viewer.state.compare;
  const move = (part) => {
    compare().part = Math.min(Math.max(part, 0), 1);
    draw();
    viewer.map.render();
    viewer.remember();
  };
  const draw = () => {
    const pair = compare();
    bar.hidden = !pair;
    viewer.graticule.get('update')(); // whose labels keep clear of the bar's
    if (!pair) return;
    bar.style.left = `${100 * pair.part}%`;
    bar.setAttribute('aria-valuenow', String(Math.round(100 * pair.part)));
    const [left, right] = [pair.before, pair.after].map((id) => viewer.about.get(id));
    const same = left.name === right.name;
    bar.querySelector('.left').textContent = same ? `${left.variant || 'nightside'} calibration`.replace('nightside calibration', 'nightside') : left.title;
    bar.querySelector('.right').textContent = same ? `${right.variant || 'nightside'} calibration`.replace('nightside calibration', 'nightside') : right.title;
    viewer.map.render();
  };
  bar.addEventListener('pointerdown', (event) => bar.setPointerCapture(event.pointerId));
  bar.addEventListener('pointermove', (event) => {
    if (bar.hasPointerCapture(event.pointerId)) move(event.clientX / innerWidth);
  });
  bar.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP, PageDown: -0.1, PageUp: 0.1 }[event.key];
    if (by) move(compare().part + by);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(1);
    else return;
    event.preventDefault();
  });
  return { draw, watch: (layer) => clip(layer, viewer) };
}

const cleared = new WeakMap();

/** Clear a canvas once a frame, all of it: OpenLayers' own clearing comes after the cut, and would stop at it. */
function clearOnce(gl, frame) {
  if (cleared.get(gl) === frame) return;
  cleared.set(gl, frame);
  gl.disable(gl.SCISSOR_TEST);
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT);
}

/** Let a layer draw on its side of the bar only: the one before on the left, every other on the right. */
function clip(layer, viewer) {
  layer.on('prerender', (event) => {
    const { compare } = viewer.state;
    if (!compare) return;
    const gl = event.context;
    clearOnce(gl, event.frameState.index);
    const [width, height] = viewer.map.getSize();
    const cut = width * compare.part;
    const before = layer.get('id') === compare.before;
    const [left, bottom] = getRenderPixel(event, [before ? 0 : cut, height]);
    const [right, top] = getRenderPixel(event, [before ? cut : width, 0]);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(Math.round(left), Math.round(Math.min(top, bottom)), Math.round(right) - Math.round(left), Math.round(Math.abs(bottom - top)));
  });
  layer.on('postrender', (event) => {
    if (viewer.state.compare) event.context.disable(event.context.SCISSOR_TEST);
  });
}
