// Finds blocks by step, height, hash or root.

byId('search').addEventListener('submit', async (event) => {
  event.preventDefault();
  const out = byId('found');
  out.textContent = 'Looking …';
  try {
    const found = await client.ask('search', byId('query').value);
    const places = found.map(({ what, block, step }) =>
      make('li', {}, make('button', { type: 'button', onclick: () => select(block) },
        `${what}${step === null ? '' : what === 'step' ? ` ${step}` : `, step ${step}`}: block ${block}`)));
    out.replaceChildren(found.length === 0 ? 'Nothing among the blocks that hold fits.' : make('ul', {}, ...places));
    if (found.length > 0) select(found[0].block);
  } catch (error) {
    out.textContent = error.message;
  }
});
