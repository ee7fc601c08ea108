/** doctor on this Windows: everything that the suite counts on is there, and it says so. */
import { expect } from 'chai';
import os from 'node:os';
import process from 'node:process';
import { loadCatalogFunctions } from '../../ffi/catalog.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import { loadWin32Tables } from '../../ffi/tables.ts';
import { readCatalog } from '../../src/doctor/catalog.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { formatReport } from '../../src/doctor/report.ts';
import { windowsMachine } from '../../src/doctor/windows-machine.ts';
import { testPal } from '../support/pal-fixture.ts';
import { iocpWorker } from '../support/beds.ts';

/** Its own deadlines come first. */
const TIMEOUT_MS = 300_000;

describe('doctor', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);

  it('finds this machine well, and names nobody', async () => {
    const report = await examine(windowsMachine(), '0.0.0');
    const text = formatReport(report);
    expect(report.verdict, text).to.equal('ok');
    expect(report.facts).to.have.all.keys('system', 'limits', 'dynamic ports', 'waiter thread', 'providers');
    expect(report.facts['system'])
      .to.have.property('koffi')
      .that.match(/^\d+\.\d+\.\d+, binary for win32/);
    expect(report.facts['waiter thread']).to.deep.include({ options: [] });
    for (const name of [os.hostname(), os.homedir(), os.tmpdir(), process.cwd(), process.env['USERNAME'] ?? '']) {
      if (name.length > 3) expect(text.toLowerCase()).not.to.include(name.toLowerCase());
    }
  });

  describe('the catalog', () => {
    testPal(iocpWorker); // starts Winsock

    it('has TCP and UDP over IPv4, with real handles and names', () => {
      const catalog = readCatalog(loadCatalogFunctions(loadKoffi()), loadWin32Tables());
      for (const protocol of ['TCP', 'UDP']) {
        const found = catalog.find((entry) => entry.protocol === protocol && entry.family === 4);
        expect(found).to.include({ realHandles: true });
        expect(found?.name).to.match(/^[\x20-\x7e]{3,}$/);
      }
    });
  });
});
