// A receipt, a proof or a replay report alone.

function showDocument(name, { kind, shown, text }) {
  byId('chain').hidden = true;
  byId('block').hidden = true;
  state.run = null;
  if (kind === 'replay_report') {
    const lines = [...shown.lines, `It is about block ${shown.height} of the chain ${shown.genesis}.`];
    const report = {
      headline: 'A REPLAY REPORT, NOT COMPARED WITH A RUN',
      run: name,
      chain: shown,
      levels: [{ level: 'replay', verdict: 'not_checked', lines }],
      not_shown: ['that anybody executed a step: a report is its maker\'s word', 'which run it is about: give the run too'],
    };
    return showReport(report, text, false);
  }
  return showReport({ run: name, ...shown }, text, shown.holds);
}
