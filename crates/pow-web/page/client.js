// Talks to the worker that has the verifier.

const policy = globalThis.trustedTypes?.createPolicy('explorer', { createScriptURL: (url) => url });

const client = {
  worker: null,
  waiting: new Map(),
  next: 0,
  onprogress: () => {},

  async start() {
    const code = new Blob([byId('worker').textContent], { type: 'text/javascript' });
    const url = URL.createObjectURL(code);
    this.worker = new Worker(policy ? policy.createScriptURL(url) : url);
    this.worker.onmessage = ({ data }) => this.take(data);
    this.worker.onerror = (event) => this.fail(event.message);
    await this.ask('start', await program());
    URL.revokeObjectURL(url);
  },

  // What the verifier answers. An answer that is no success is thrown.
  ask(ask, what, transfer = []) {
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.worker.postMessage({ id, ask, what }, transfer);
    });
  },

  // Gives the worker files, and returns the number of the first of them.
  add: (files) => client.ask('add', files),

  take(message) {
    if (message.progress) return this.onprogress(message.progress);
    if (message.panicked) return this.fail(`the verifier stopped: ${message.panicked}`);
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (!waiting) return undefined;
    if (message.broken) return waiting.failed(new Error(message.broken));
    const answer = JSON.parse(message.answer);
    if ('failed' in answer) return waiting.failed(new Error(answer.failed));
    return waiting.done(answer.done);
  },

  fail(message) {
    for (const { failed } of this.waiting.values()) failed(new Error(message));
    this.waiting.clear();
  },
};

// The verifier's bytes, which lie packed in this page.
async function program() {
  const packed = Uint8Array.from(atob(byId('program').textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}
