// The verdict and what it does not show, in one size beside each other.

// As reports print them.
const VERDICTS = {
  holds: 'holds',
  fails: 'FAILS',
  partly: 'holds in part',
  not_checked: 'not checked',
  not_comparable: 'not comparable',
  unexplained: 'UNEXPLAINED',
};

function showReport(report, raw, holds) {
  const verdict = byId('verdict');
  verdict.replaceChildren(
    make('p', { class: `headline ${holds ? 'good' : 'bad'}`, id: 'headline' }, report.headline),
    facts(report),
    levels(report.levels ?? []),
    make('details', {}, make('summary', {}, 'The same as JSON'), make('pre', { id: 'raw', tabindex: '0' }, raw)),
  );
  byId('not-shown').replaceChildren(
    make('p', { class: 'headline' }, 'NOT SHOWN'),
    make('ul', {}, ...(report.not_shown ?? []).map((line) => make('li', {}, data(line)))),
  );
  byId('result').hidden = false;
  verdict.focus({ preventScroll: true });
}

function facts(report) {
  const list = make('dl', {});
  const add = (name, value) => {
    if (value !== undefined && value !== null) list.append(make('dt', {}, name), make('dd', {}, data(value)));
  };
  add('Given', report.run);
  add('Why', report.failure);
  const chain = report.chain ?? {};
  add('Run', chain.name);
  add('Genesis', chain.genesis);
  add('Head', chain.head ?? report.head?.hash);
  add('Height', chain.height ?? report.head?.height);
  add('Ending', chain.ending);
  add('Block', report.block?.height);
  add('Step', report.entry?.step);
  add('Parameters', report.entry?.parameters);
  add('Tensor', report.tensor?.path);
  return list;
}

function levels(all) {
  if (all.length === 0) return null;
  const rows = all.map((level) =>
    make('tr', { 'data-level': level.level, class: `level ${level.verdict}` },
      make('th', { scope: 'row' }, level.level.toUpperCase(), level.required ? ' (required)' : ''),
      make('td', {}, VERDICTS[level.verdict] ?? level.verdict),
      make('td', {}, ...level.lines.map((line) => data(line, 'p')))));
  return make('table', { class: 'levels' },
    make('thead', {}, make('tr', {}, ...['Level', 'Verdict', 'Why'].map((name) => make('th', { scope: 'col' }, name)))),
    make('tbody', {}, ...rows));
}
