// Where on the Moon the view is: a small globe with the view's outline.
import { toLonLat } from './projections.js';

const radians = Math.PI / 180;

export function drawGlobe(canvas, extent, key) {
  const context = canvas.getContext('2d');
  const [middle, r] = [canvas.width / 2, canvas.width / 2 - 6];
  const centre = toLonLat([(extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2], key);
  const [lon0, lat0] = centre.every(Number.isFinite) ? [centre[0], centre[1] * 0.6] : [0, 0];
  const project = ([lon, lat]) => {
    const [l, p, p0] = [(lon - lon0) * radians, lat * radians, lat0 * radians];
    return {
      x: middle + r * Math.cos(p) * Math.sin(l),
      y: middle - r * (Math.cos(p0) * Math.sin(p) - Math.sin(p0) * Math.cos(p) * Math.cos(l)),
      front: Math.sin(p0) * Math.sin(p) + Math.cos(p0) * Math.cos(p) * Math.cos(l) > 0,
    };
  };
  context.clearRect(0, 0, canvas.width, canvas.height);
  const shade = context.createRadialGradient(middle - r * 0.45, middle - r * 0.5, r * 0.1, middle, middle, r * 1.02);
  shade.addColorStop(0, '#7d8897');
  shade.addColorStop(0.55, '#3a4553');
  shade.addColorStop(1, '#0e141c');
  context.beginPath();
  context.arc(middle, middle, r, 0, 2 * Math.PI);
  context.fillStyle = shade;
  context.fill();
  context.strokeStyle = 'rgba(200, 215, 235, 0.28)';
  context.lineWidth = 1;
  const curve = (points) => {
    context.beginPath();
    let down = false;
    for (const point of points.map(project)) {
      if (point.front) context[down ? 'lineTo' : 'moveTo'](point.x, point.y);
      down = point.front;
    }
    context.stroke();
  };
  const range = (from, to, step) => Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
  for (const lon of range(-180, 150, 30)) curve(range(-90, 90, 5).map((lat) => [lon, lat]));
  for (const lat of range(-60, 60, 30)) curve(range(-180, 180, 5).map((lon) => [lon, lat]));
  context.strokeStyle = 'rgba(200, 215, 235, 0.55)';
  curve(range(-90, 90, 3).map((lat) => [0, lat]));
  const { x, y } = project(centre.every(Number.isFinite) ? centre : [0, 0]);
  context.fillStyle = '#f4b63f';
  context.strokeStyle = '#10151c';
  context.lineWidth = 3;
  context.beginPath();
  context.arc(x, y, 8, 0, 2 * Math.PI);
  context.stroke();
  context.fill();
}
