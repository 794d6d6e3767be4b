import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/cordwood/web/dist',
    emptyOutDir: true,
    // Whoever gets the page gets the licences of what is in it.
    license: { fileName: 'licenses.md' },
    target: 'es2022',
    // The policy of content allows no inline script, and no data: but in images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  // `npm run dev`: the page from its sources, the API from a platform that runs.
  server: { proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } } },
  test: { include: ['src/**/*.test.ts'] },
});
