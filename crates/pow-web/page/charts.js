// The quantities of the chain. Each leads to blocks, and marks the block that is looked at.

let drawn = [];

function showCharts({ loss, learning_rate, difficulty, mining_time }) {
  drawn = [
    chart({ id: 'loss', title: 'Loss', unit: 'step', points: loss.points }),
    chart({ id: 'rate', title: 'Base learning rate', unit: 'step', points: learning_rate.points }),
    chart({ id: 'difficulty', title: 'Difficulty: expected hashes of a block, as a power of 2', unit: 'block', points: difficulty.points }),
    chart({ id: 'mining', title: 'Mining time of a block in seconds, by the recorder\'s clock', unit: 'block', points: mining_time.points }),
  ];
  byId('charts').replaceChildren(...drawn.map(({ figure }) => figure));
}

onselect((height) => drawn.forEach(({ mark }) => mark(height)));
