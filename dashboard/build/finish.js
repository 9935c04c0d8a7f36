// Ends a build: writes a .br and a .gz file beside each asset, prints the sizes of the JavaScript,
// and fails if they are over budget.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** The budgets, in bytes after gzip. */
const INITIAL = 90_000;
const LAZY = 120_000;

const dist = join(import.meta.dirname, '..', 'dist');
const manifestPath = join(dist, '.vite', 'manifest.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));

/** The files which the page needs before it shows anything: the entry and what it imports. */
function initial() {
  const wanted = Object.keys(manifest).filter((key) => manifest[key].isEntry);
  const seen = new Set();
  for (let key = wanted.pop(); key !== undefined; key = wanted.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    wanted.push(...(manifest[key].imports ?? []));
  }
  return new Set([...seen].map((key) => manifest[key].file));
}

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function compress(path) {
  const bytes = readFileSync(path);
  const zipped = gzipSync(bytes, { level: 9 });
  writeFileSync(`${path}.gz`, zipped);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
  return zipped.length;
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const first = initial();
rmSync(join(dist, '.vite'), { recursive: true });
const problems = [];
let total = 0;
for (const path of filesIn(dist)) {
  const size = compress(path);
  const name = relative(dist, path);
  const isInitial = first.has(name);
  console.log(`${kilobytes(size).padStart(9)}  ${isInitial ? 'initial' : '       '}  ${name}`);
  if (!name.endsWith('.js')) continue;
  if (isInitial) total += size;
  else if (size > LAZY) problems.push(`${name} has ${kilobytes(size)}, over ${kilobytes(LAZY)}`);
}
if (total > INITIAL) {
  problems.push(`the initial JavaScript has ${kilobytes(total)}, over ${kilobytes(INITIAL)}`);
}
console.log(`the initial JavaScript has ${kilobytes(total)} of ${kilobytes(INITIAL)}, gzipped`);
for (const problem of problems) console.error(`error: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
