// The chain as a strip: a slider over all blocks, and the blocks around the one looked at.

// Blocks on each side.
const AROUND = 12;

let slider;
let cells;

function showStrip(blocks) {
  slider = make('input', { type: 'range', min: 0, max: blocks - 1, value: 0, id: 'travel', 'aria-label': 'Block' });
  slider.addEventListener('input', () => select(Number(slider.value)));
  cells = make('ol', { class: 'cells', 'aria-label': 'Blocks around the one shown' });
  const go = (text, to) => make('button', { type: 'button', onclick: () => select(to()) }, text);
  byId('strip').replaceChildren(
    make('div', { class: 'row' },
      go('First', () => 0), go('Previous', () => state.selected - 1),
      go('Next', () => state.selected + 1), go('Last', () => blocks - 1)),
    slider,
    cells,
    make('p', { class: 'legend' },
      '◆ a checkpoint that is among the files, ◇ one that is not; ✓ replayed and reproduced, ✗ replayed and different'),
  );
}

onselect(async (height) => {
  slider.value = height;
  slider.setAttribute('aria-valuetext', `block ${height}`);
  const from = Math.max(height - AROUND, 0);
  try {
    const rows = await client.ask('rows', { from, count: 2 * AROUND + 1 });
    // Another block may have been asked for meanwhile.
    if (state.selected !== height) return;
    cells.replaceChildren(...rows.map((row) => cell(row, height)));
    const current = cells.querySelector('[aria-current]').parentElement;
    cells.scrollLeft = current.offsetLeft - (cells.clientWidth - current.offsetWidth) / 2;
  } catch (error) {
    say(error.message);
  }
});

function cell(row, height) {
  const steps = row.first_step === null ? row.kind
    : row.first_step === row.last_step ? `step ${row.first_step}` : `steps ${row.first_step}–${row.last_step}`;
  const stored = row.checkpoints === 0 ? '' : row.present === row.checkpoints ? ' ◆' : ' ◇';
  return make('li', {},
    make('button', {
      type: 'button',
      class: `cell ${row.kind}`,
      'aria-current': row.height === height ? 'true' : null,
      onclick: () => select(row.height),
    }, make('b', {}, `#${row.height}`), make('span', {}, `${steps}${stored}${replayed(row)}`)));
}

// How the replayed segments that touch a block ended.
function replayed(row) {
  if (row.first_step === null) return '';
  const touched = state.checked.replayed.filter((s) => s.from_step < row.last_step && s.to_step >= row.first_step);
  if (touched.length === 0) return '';
  return touched.every((s) => s.judgement === 'reproduced') ? ' ✓'
    : touched.some((s) => s.judgement === 'fails') ? ' ✗' : ' ~';
}
