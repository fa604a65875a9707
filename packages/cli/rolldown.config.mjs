import { defineConfig } from 'rolldown';

// One command loads four hundred small modules, which takes longer than most commands do. Only Holdfast's own are put
// together: what others wrote stays a dependency.
export default defineConfig({
  input: { main: 'dist/main.js', 'follower-process': 'dist/demo/follower-process.js' },
  platform: 'node',
  external: (id) => /^[^./]/.test(id) && !id.startsWith('@holdfast/'),
  output: { dir: 'bundle', cleanDir: true, chunkFileNames: '[name].js' },
});
