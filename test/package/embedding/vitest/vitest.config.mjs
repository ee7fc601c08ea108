/** Threads and processes; the package left to Node.js, as vitest does by itself, and inlined. One start for all four. */
const projects = ['threads', 'forks'].flatMap((pool) =>
  [false, true].map((inlined) => ({
    test: {
      name: `${pool}, ${inlined ? 'inlined' : 'not inlined'}`,
      pool,
      include: ['*.test.mjs'],
      globals: true,
      testTimeout: 180_000,
      env: { INLINED: String(inlined) },
      server: { deps: { inline: inlined ? ['iocp-pal'] : [] } },
    },
  })),
);

export default { test: { projects } };
