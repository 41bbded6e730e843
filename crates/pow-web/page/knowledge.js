// What the verifier knows from elsewhere, and wants. Nothing here comes from the run.

const LEVELS = ['chain', 'finished', 'work', 'time', 'data', 'state', 'replay', 'detection', 'artifact', 'origin', 'signature'];

for (const level of LEVELS) {
  byId('levels').append(make('label', { class: 'tick' }, make('input', { type: 'checkbox', name: 'level', value: level }), ` ${level}`));
}

// Replay reports that were dropped. Those that were chosen stay in their input.
const droppedReports = [];

async function numbered(files) {
  const first = await client.add(files);
  return files.map((file, i) => ({ name: file.name, id: first + i, len: file.size }));
}

// A run as the verifier takes it.
async function runOf(name, files, alone) {
  const first = await client.add([...files.values()]);
  const numbered = [...files].map(([path, file], i) => [path, { id: first + i, len: file.size }]);
  return { name, chain_alone: alone, files: Object.fromEntries(numbered) };
}

async function knowledge() {
  const ticked = [...byId('levels').querySelectorAll('input:checked')].map((input) => input.value);
  const parents = grouped(chosen(byId('parent'))).folders;
  return {
    genesis: byId('genesis').value,
    head: byId('head').value,
    signed_by: byId('keys').value,
    require: ticked,
    allow_unfinished: byId('unfinished').checked,
    parents: await Promise.all([...parents].map(([name, files]) => runOf(name, files, false))),
    replay_reports: await numbered([...byId('reports').files, ...droppedReports]),
    trusted_tsas: await numbered([...byId('tsas').files]),
    bitcoin_headers: (await numbered([...byId('bitcoin').files]))[0] ?? null,
  };
}
