// One quantity over steps or blocks, as a drawing. A slider below it names each point and leads
// to its block.

const WIDTH = 640;
const HEIGHT = 160;
const LEFT = 64;
const BOTTOM = 20;

const short = (number) => (number === 0 || (Math.abs(number) >= 1e-3 && Math.abs(number) < 1e5)
  ? String(Number(number.toPrecision(4))) : number.toExponential(2));

function chart({ id, title, unit, points }) {
  const real = points.filter((point) => point.min !== null);
  const odd = points.reduce((sum, point) => sum + point.not_numbers, 0);
  const figure = make('figure', { id, class: 'chart' });
  const caption = make('figcaption', {}, title, odd ? ` (${many(odd, 'value is', 'values are')} infinite or no number)` : '');
  if (real.length === 0) {
    figure.append(caption, make('p', {}, 'The chain has no such values.'));
    return { figure, mark() {} };
  }
  const least = Math.min(...real.map((point) => point.min));
  const most = Math.max(...real.map((point) => point.max));
  const first = points[0].from;
  const last = points[points.length - 1].to;
  const x = (at) => LEFT + ((at - first) / (last - first || 1)) * (WIDTH - LEFT - 8);
  const y = (value) => 8 + (1 - (most > least ? (value - least) / (most - least) : 0.5)) * (HEIGHT - BOTTOM - 16);
  const cursor = draw('line', { class: 'cursor', y1: 0, y2: HEIGHT - BOTTOM });
  const svg = draw('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': `${title}: from ${short(least)} to ${short(most)}, ${unit} ${first} to ${last}`,
  },
  draw('line', { class: 'axis', x1: LEFT, x2: WIDTH - 8, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
  label(4, 14, short(most)), label(4, HEIGHT - BOTTOM, short(least)),
  label(LEFT, HEIGHT - 4, `${unit} ${first}`), label(WIDTH - 8, HEIGHT - 4, String(last), 'end'),
  draw('path', { class: 'band', d: band(real, x, y) }),
  draw('path', { class: 'line', d: line(real, x, y) }),
  cursor);
  const slider = make('input', { type: 'range', min: 0, max: points.length - 1, value: 0, 'aria-label': `A point of: ${title}` });
  const out = make('output', {});
  const open = make('button', { type: 'button', onclick: () => select(points[slider.value].block) }, 'Show its block');
  const show = (index) => {
    const point = points[index];
    slider.value = index;
    const value = point.min === null ? 'no number'
      : point.min === point.max ? short(point.min) : `${short(point.min)} to ${short(point.max)}`;
    out.textContent = `${unit} ${point.from === point.to ? point.from : `${point.from} to ${point.to}`}: ${value}`;
    slider.setAttribute('aria-valuetext', out.textContent);
    cursor.setAttribute('x1', x(point.from));
    cursor.setAttribute('x2', x(point.from));
  };
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const at = first + (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - 8) * (last - first);
    return nearest(points, (point) => point.from, at);
  };
  svg.addEventListener('pointermove', (event) => show(under(event)));
  svg.addEventListener('click', (event) => select(points[under(event)].block));
  slider.addEventListener('input', () => show(Number(slider.value)));
  figure.append(caption, svg, make('div', { class: 'row' }, slider, out, open));
  show(0);
  return { figure, mark: (height) => show(nearest(points, (point) => point.block, height)) };
}

const label = (x, y, text, anchor = 'start') => draw('text', { x, y, 'text-anchor': anchor }, text);

const line = (points, x, y) =>
  points.map((point, i) => `${i ? 'L' : 'M'}${x(point.from).toFixed(1)} ${y((point.min + point.max) / 2).toFixed(1)}`).join('');

function band(points, x, y) {
  const there = points.map((point) => `${x(point.from).toFixed(1)} ${y(point.max).toFixed(1)}`);
  const back = points.map((point) => `${x(point.from).toFixed(1)} ${y(point.min).toFixed(1)}`).reverse();
  return `M${[...there, ...back].join('L')}Z`;
}

// The last index whose value is not above `at`. Values ascend.
function nearest(points, value, at) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (value(points[middle]) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
