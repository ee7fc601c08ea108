'use strict';
// Mocha's spec reporter, which also leaves in a file for the runner what the exit code does not say: the counts, the seconds of each
// spec file, what keeps the process when it does not end by itself, and whether it had begun to end.
const fs = require('node:fs');
const path = require('node:path');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    /** @type {Record<string, number>} */
    const seconds = {};
    let since = performance.now();
    // With its hooks, which may take longer than its tests.
    runner.on(Mocha.Runner.constants.EVENT_SUITE_END, ({ file = '', parent }) => {
      if (!parent?.root) return;
      const spec = path.relative('', file).replaceAll(path.sep, '/');
      const now = performance.now();
      seconds[spec] = (seconds[spec] ?? 0) + (now - since) / 1000;
      since = now;
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env['IOCP_PAL_COUNTS'];
      if (file === undefined) return;
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      /** @type {import('./mocha.mjs').Report} */
      const report = { passed, failed, skipped, seconds };
      const save = () => fs.writeFileSync(file, JSON.stringify(report));
      save();
      process.on('exit', () => {
        report.ending = true;
        save();
      });
      // It keeps nothing itself.
      setTimeout(() => {
        report.keptBy = process.getActiveResourcesInfo();
        process.exit(1);
      }, Number(process.env['IOCP_PAL_STAYS_MS'])).unref();
    });
  }
};
