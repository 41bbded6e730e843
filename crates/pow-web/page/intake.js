// Takes what was dropped or chosen, and has it checked.

// Beyond this many bytes of chain, the command line is the better tool.
const LARGE = 1 << 30;

let checking = 0;

async function take(found) {
  const { folders, files } = grouped(found);
  for (const [name, inside] of folders) {
    if (!inside.has('chain.pow')) throw new Error(`the folder ${visible(name)} has no chain.pow`);
    state.run = { name, files: inside, alone: false };
  }
  let report = null;
  for (const file of files) report = (await takeFile(file)) ?? report;
  if (state.run) await verify();
  else if (report) showDocument(visible(report.name), report.document);
}

async function takeFile(file) {
  const id = await client.add([file]);
  const known = { genesis: byId('genesis').value, head: byId('head').value };
  const found = await client.ask('document', { id, len: file.size, ...known });
  switch (found.kind) {
    case 'chain':
      state.run = { name: file.name, files: new Map([['chain.pow', file]]), alone: true };
      return null;
    case 'replay_report':
      droppedReports.push(file);
      return { name: file.name, document: found };
    case 'receipt':
    case 'proof':
      state.run = null;
      return { name: file.name, document: found };
    default:
      throw new Error(`${visible(file.name)} is no chain file, receipt, proof or replay report`);
  }
}

async function verify() {
  const mine = ++checking;
  const { name, files, alone } = state.run;
  const size = files.get('chain.pow').size;
  const bar = byId('progress');
  bar.hidden = false;
  bar.value = 0;
  say(size > LARGE ? 'Checking. For a chain of this size, pow verify is the faster tool.' : 'Checking …');
  client.onprogress = ({ bytes, blocks }) => {
    bar.value = bytes / size;
    say(`Checking: ${many(blocks, 'block', 'blocks')}`);
  };
  const began = performance.now();
  try {
    const request = { run: await runOf(name, files, alone), ...(await knowledge()) };
    const checked = await client.ask('verify', request);
    if (mine !== checking) return;
    state.checked = checked;
    const { blocks } = checked.overview;
    showReport(checked.shown, checked.report, checked.holds);
    byId('chain').hidden = blocks === 0;
    byId('block').hidden = blocks === 0;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`${many(blocks, 'block holds', 'blocks hold')} the rules; checked in ${seconds} s.`);
    if (blocks > 0) {
      showStrip(blocks);
      showCharts(checked.overview);
      select(0);
    }
  } finally {
    bar.hidden = true;
  }
}
