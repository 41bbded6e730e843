// A block: what it says, and its bytes with the names that docs/format.md gives them.

onselect((height) => openBlock(height, 0));

async function openBlock(height, entries) {
  try {
    const block = await client.ask('block', { height, entries });
    if (state.selected === height) showBlock(block);
  } catch (error) {
    say(error.message);
  }
}

function showBlock(block) {
  const list = make('dl', {});
  const add = (name, value) => list.append(make('dt', {}, name), make('dd', {}, data(value)));
  add('Hash', block.hash);
  add('Kind', block.kind);
  if (block.first_step !== null) add('Steps', block.first_step === block.last_step ? block.first_step : `${block.first_step} to ${block.last_step}`);
  if (block.checkpoints > 0) add('Checkpoints', `${block.checkpoints}, of which ${block.present} are among the files`);
  add('Mining began', `${block.start}, by the recorder's clock`);
  add('Target', block.bits);
  add('Place', `byte ${block.offset} of chain.pow`);
  const section = byId('block');
  section.replaceChildren(
    make('h2', { id: 'block-title' }, `Block ${block.height}`),
    list,
    fields('Header and coinbase', block.block),
    fields('Body', block.body),
    ...entries(block),
  );
  section.hidden = false;
}

function entries(block) {
  if (block.entry_count === 0) return [];
  const shown = 50;
  const to = Math.min(block.entries_from + shown, block.entry_count);
  const turn = (text, from) => make('button', { type: 'button', onclick: () => openBlock(block.height, from) }, text);
  return [
    fields(`Entries ${block.entries_from + 1} to ${to} of ${block.entry_count}`, block.entries),
    make('div', { class: 'row' },
      block.entries_from > 0 ? turn('Entries before', Math.max(block.entries_from - shown, 0)) : null,
      to < block.entry_count ? turn('Entries after', to) : null),
  ];
}

function fields(title, all) {
  const rows = all.map((field) =>
    make('tr', {},
      make('td', { class: 'offset' }, String(field.offset)),
      make('th', { scope: 'row' }, field.name),
      make('td', {}, data(field.value)),
      make('td', { class: 'hex' }, field.hex + (field.hex.length < 2 * field.len ? '…' : ''))));
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    make('table', { class: 'fields' },
      make('caption', {}, title),
      make('thead', {}, make('tr', {}, ...['Byte', 'Field', 'Value', 'Bytes'].map((name) => make('th', { scope: 'col' }, name)))),
      make('tbody', {}, ...rows)));
}
