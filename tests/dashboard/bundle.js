// Bundles a page of a test as the product is bundled, and serves it under a policy.

import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const dashboard = resolve(import.meta.dirname, '../../dashboard');
const html = `<!doctype html><html lang="en"><head><title>Charts</title>
<link rel="stylesheet" href="/page.css"><script type="module" src="/page.js"></script></head>
<body></body></html>`;

async function bundle(entry, height) {
  const vite = join(dashboard, 'node_modules/vite/dist/node/index.js');
  const { build } = await import(pathToFileURL(vite));
  const { output } = await build({
    configFile: false,
    root: dashboard,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'esnext',
      lib: { entry, formats: ['es'], fileName: 'page' },
    },
  }).then((built) => [built].flat()[0]);
  const script = output.find((one) => one.type === 'chunk').code;
  const style = output.find((one) => one.fileName.endsWith('.css')).source;
  const place = `.place { width: 800px; height: ${height}px; }`;
  return { script, style: `:root { color-scheme: light dark; }\n${style}\n${place}` };
}

/**
 * Serves the page whose script is `entry`. Its elements of the class `place` have this height.
 * Returns the address and a function that ends the server.
 */
export async function serve(entry, { height, policy }) {
  const { script, style } = await bundle(entry, height);
  const files = {
    '/': ['text/html', html],
    '/page.js': ['text/javascript', script],
    '/page.css': ['text/css', style],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[new URL(request.url, 'http://x').pathname] ?? ['text/plain', ''];
    response.setHeader('Content-Type', `${type}; charset=utf-8`);
    response.setHeader('Content-Security-Policy', policy);
    response.end(body);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, stop };
}
