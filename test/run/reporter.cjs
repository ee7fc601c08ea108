'use strict';
// Mocha's spec reporter, which also leaves the counts in a file for the runner: the exit code alone says too little.
const fs = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      const file = process.env['IOCP_PAL_COUNTS'];
      if (file !== undefined) fs.writeFileSync(file, JSON.stringify({ passed, failed, skipped }));
    });
  }
};
