import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The controller that the development server asks. */
const controller = process.env.BESOM_CONTROLLER ?? 'http://127.0.0.1:7070';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // An inlined file would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    license: { fileName: 'licenses.txt' },
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/api': { target: controller, changeOrigin: false } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
