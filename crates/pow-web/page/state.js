// What is on the page: the run that was checked, and the block that is looked at.

const state = { run: null, checked: null, selected: null };

const listeners = [];

// Calls this with the height whenever another block is looked at.
const onselect = (listener) => listeners.push(listener);

function select(height) {
  const last = state.checked.overview.blocks - 1;
  state.selected = Math.min(Math.max(height, 0), last);
  for (const listener of listeners) listener(state.selected);
}

function say(text) {
  byId('status').textContent = text;
}
