// A small plot of temperature over the lunar day, as SVG.

const WIDTH = 340;
const HEIGHT = 190;
const MARGIN = { left: 36, right: 20, top: 8, bottom: 26 };

const x = (hour) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * hour) / 24;

/** Draw `curves`, `[{kind, hours, values, low?, high?}]`; returns an SVG element. */
export function plot(curves, label) {
  const all = curves.flatMap(({ values, low, high }) => [...values, ...(low ?? []), ...(high ?? [])]).filter(Number.isFinite);
  const step = all.length && Math.max(...all) - Math.min(...all) > 120 ? 50 : 20;
  const bottom = Math.floor(Math.min(...all) / step) * step;
  const top = Math.ceil(Math.max(...all) / step) * step;
  const y = (kelvin) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (kelvin - bottom)) / (top - bottom || 1);
  const path = (hours, values) =>
    hours.map((h, i) => (Number.isFinite(values[i]) ? `${i && Number.isFinite(values[i - 1]) ? 'L' : 'M'}${x(h).toFixed(1)} ${y(values[i]).toFixed(1)}` : '')).join('');
  const parts = [];
  for (let k = bottom; k <= top; k += step) {
    parts.push(`<path class="grid" d="M${MARGIN.left} ${y(k)}H${WIDTH - MARGIN.right}"/>`);
    parts.push(`<text class="tick" x="${MARGIN.left - 5}" y="${y(k) + 3.5}" text-anchor="end">${k}</text>`);
  }
  for (let h = 0; h <= 24; h += 6) parts.push(`<text class="tick" x="${x(h)}" y="${HEIGHT - 12}" text-anchor="middle">${h} h</text>`);
  parts.push(`<text class="tick" x="${MARGIN.left}" y="${HEIGHT - 1}">local time</text>`);
  parts.push(`<text class="tick" x="${MARGIN.left + 4}" y="${MARGIN.top + 9}">K</text>`);
  for (const { kind, hours, values, low, high } of curves) {
    if (low) {
      const back = hours.map((h, i) => `L${x(h).toFixed(1)} ${y(low[i]).toFixed(1)}`).reverse().join('');
      parts.push(`<path class="band ${kind}" d="${path(hours, high)}${back}Z"/>`);
    }
    parts.push(`<path class="curve ${kind}" d="${path(hours, values)}"/>`);
  }
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  svg.innerHTML = parts.join('');
  return svg;
}
