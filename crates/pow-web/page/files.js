// Files that were dropped or chosen, with their paths.

// What an input of files holds.
const chosen = (input) =>
  [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

// What was dropped. Folders are read whole.
async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  // They are gone after the first wait.
  const given = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = [];
  for (const { entry, file } of given) {
    if (entry) await walk(entry, found);
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

// The most files of a folder that are looked at.
const MAX_FILES = 100_000;

async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, '');
  if (found.length >= MAX_FILES) throw new Error(`more than ${MAX_FILES} files`);
  if (entry.isFile) {
    found.push({ path, file: await new Promise((done, failed) => entry.file(done, failed)) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return;
    for (const inside of some) await walk(inside, found);
  }
}

// Folders by their names, and the files that are in none.
function grouped(found) {
  const folders = new Map();
  const files = [];
  for (const { path, file } of found) {
    const slash = path.indexOf('/');
    if (slash < 0) {
      files.push(file);
      continue;
    }
    const folder = path.slice(0, slash);
    if (!folders.has(folder)) folders.set(folder, new Map());
    folders.get(folder).set(path.slice(slash + 1), file);
  }
  return { folders, files };
}
