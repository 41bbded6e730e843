// The worker: holds the files that were given, and asks the verifier about them.

const given = [];
const reader = new FileReaderSync();
let explorer;

// What the verifier calls.
globalThis.host = {
  read(file, offset, len) {
    try {
      const piece = given[file].slice(offset, offset + len);
      return new Uint8Array(reader.readAsArrayBuffer(piece));
    } catch (error) {
      throw `the browser cannot read it (${error.name})`;
    }
  },
  progress(bytes, blocks) {
    postMessage({ progress: { bytes, blocks } });
  },
  panicked(message) {
    postMessage({ panicked: message });
  },
};

const answers = {
  start(bytes) {
    verifier.initSync({ module: bytes });
    explorer = new verifier.Explorer();
    return JSON.stringify({ done: true });
  },
  // The number of the first of the files, as the verifier will know it.
  add(files) {
    const first = given.length;
    given.push(...files);
    return JSON.stringify({ done: first });
  },
  document: ({ id, len, genesis, head }) => verifier.look_at(id, len, genesis, head),
  verify: (request) => explorer.verify(JSON.stringify(request)),
  rows: ({ from, count }) => explorer.rows(from, count),
  block: ({ height, entries }) => explorer.block(height, entries),
  search: (query) => explorer.search(query),
};

onmessage = ({ data: { id, ask, what } }) => {
  try {
    postMessage({ id, answer: answers[ask](what) });
  } catch (error) {
    postMessage({ id, broken: String(error) });
  }
};
