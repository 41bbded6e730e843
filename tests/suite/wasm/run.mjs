// Runs a WASI program: node run.mjs PROGRAM.wasm

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1", returnOnExit: true });
const { instance } = await WebAssembly.instantiate(
  readFileSync(process.argv[2]),
  wasi.getImportObject(),
);
process.exitCode = wasi.start(instance);
