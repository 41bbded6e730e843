// Starts the verifier, and listens.

// One thing after another: the verifier takes one run at a time.
let queue = client.start();

function enqueue(task) {
  document.body.dataset.state = 'busy';
  queue = queue.then(task).then(
    () => { document.body.dataset.state = 'ready'; },
    (error) => {
      byId('result').hidden = true;
      byId('chain').hidden = true;
      byId('block').hidden = true;
      say(`Could not check: ${error.message}`);
      document.body.dataset.state = 'failed';
    },
  );
}

enqueue(() => say(''));

for (const id of ['folder', 'files']) {
  byId(id).addEventListener('change', ({ target }) => {
    const found = chosen(target);
    if (found.length > 0) enqueue(() => take(found));
  });
}

byId('known').addEventListener('submit', (event) => {
  event.preventDefault();
  enqueue(() => (state.run ? verify() : say('First give a run.')));
});
byId('known').addEventListener('reset', () => { droppedReports.length = 0; });

addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  const found = dropped(event.dataTransfer);
  enqueue(async () => take(await found));
});
