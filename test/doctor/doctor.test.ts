/** doctor on simulated machines: one that is well, and one for each thing that it must notice. */
import { expect } from 'chai';
import os from 'node:os';
import { SIO_TCP_INITIAL_RTO } from '../../ffi/constants.ts';
import { WSAEOPNOTSUPP } from '../../ffi/wsa-errors.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { formatReport, EXIT_CODES, type Check, type DoctorReport } from '../../src/doctor/report.ts';
import { simulatedMachine, type SimulatedMachineOptions } from '../../src/doctor/simulated-machine.ts';
import { PROFILES, type SimulatedPlatform } from '../../src/sim/index.ts';

const diagnose = (options: SimulatedMachineOptions = {}, deadlineMs?: number): Promise<DoctorReport> =>
  examine(simulatedMachine(options), '0.0.0', deadlineMs);

const unwell = ({ checks }: DoctorReport): Check[] => checks.filter(({ status }) => status !== 'ok');

/** The checks that are not ok, each as it is printed: with what to do. */
function printed(report: DoctorReport): string {
  const text = formatReport(report);
  for (const { advice = 'no advice' } of unwell(report)) expect(text).to.include(advice);
  return text;
}

describe('doctor', function () {
  this.slow(60_000);

  for (const profile of ['windows', 'wine'] as const) {
    it(`finds nothing on a machine that is well, ${profile}`, async () => {
      const report = await diagnose({ profile });
      expect(unwell(report)).to.deep.equal([]);
      expect(report).to.include({ verdict: 'ok', simulated: true });
      expect(report.checks.map(({ name }) => name)).to.include.members([
        'worker waiter: echo over 300 connections opened at once',
        'inline waiter: half-close',
        'worker waiter: reset',
        'inline waiter: refused connect',
        'worker waiter: datagrams',
        'inline waiter: a file',
        'worker waiter: cancel',
        'inline waiter: stop',
      ]);
      expect(formatReport(report)).to.match(/^All \d\d checks passed$/m);
    });
  }

  it('names a provider without real file handles, and what to do', async () => {
    const report = await diagnose({ layeredProvider: true });
    expect(EXIT_CODES[report.verdict]).to.equal(1);
    const text = printed(report);
    expect(text).to.match(
      /FAILED {2}providers have real handles: these have none: TCP IPv4 "simulated layer", a chain of 2/,
    );
    expect(text).to.match(/netsh winsock show catalog/);
    expect(text).to.match(/FAILED {2}worker waiter: start.*layered service provider/);
    expect(text).to.match(/FAILED {2}inline waiter: start/);
    expect(text).to.match(/note {4}packets are skipped on success, IPv4: not tried/);
  });

  it('notices a refused connect that takes 2 s', async () => {
    const prepare = (platform: SimulatedPlatform): void => {
      Object.assign(platform, { profile: { ...PROFILES.windows, knowsInitialRto: false } });
    };
    // Four such connects: at ten times the speed.
    const report = await diagnose({ prepare, speed: 10 });
    expect(EXIT_CODES[report.verdict]).to.equal(1);
    expect(unwell(report).map(({ name }) => name)).to.deep.equal([
      'worker waiter: refused connect',
      'inline waiter: refused connect',
    ]);
    expect(printed(report)).to.match(
      /ECONNREFUSED came after (?:[2-9]\d{3}|\d{5,}) ms.*\n.*SIO_TCP_INITIAL_RTO has no effect here/,
    );
    expect(SIO_TCP_INITIAL_RTO).to.be.above(0);
  });

  it('says which extension function is missing: without AcceptEx nothing works', async () => {
    const report = await diagnose({ faults: { plan: [{ call: 'WSAIoctl', nth: 1, code: WSAEOPNOTSUPP }] } });
    expect(EXIT_CODES[report.verdict]).to.equal(1);
    expect(printed(report)).to.match(/FAILED {2}extension functions, IPv4: missing: AcceptEx, ConnectEx or/);
  });

  it('and without TransmitFile everything does, a little slower: that is no failure', async () => {
    const report = await diagnose({ faults: { plan: [{ call: 'WSAIoctl', nth: 4, code: WSAEOPNOTSUPP }] } });
    expect(EXIT_CODES[report.verdict]).to.equal(0);
    expect(unwell(report).map(({ status, detail }) => [status, detail])).to.deep.equal([
      ['note', 'missing: TransmitFile'],
    ]);
    printed(report);
  });

  it('gives up on a step that hangs, says what is open, and comes to its end', async () => {
    const prepare = ({ network }: SimulatedPlatform): void => {
      network.route = () => 'silent'; // nobody answers a SYN
    };
    const report = await diagnose({ prepare }, 200);
    expect(EXIT_CODES[report.verdict]).to.equal(1);
    const [first] = unwell(report);
    expect(first?.detail).to.match(/^"start and first round trip" did not end within 0\.2 s\n.*sockets/);
    // With each waiter the step that hung, and the stop; nothing in between was tried.
    expect(report.checks.filter(({ name }) => name.includes('waiter')).map(({ name }) => name)).to.deep.equal([
      'worker waiter: start and first round trip',
      'worker waiter: stop',
      'inline waiter: start and first round trip',
      'inline waiter: stop',
    ]);
  });

  it('reports a call that fails in the step that made it', async () => {
    const report = await diagnose({ faults: { plan: [{ call: 'listen', nth: 3, code: 10055 }] } });
    const [first, ...others] = unwell(report);
    expect(first?.name).to.equal('worker waiter: half-close');
    expect(first?.detail).to.match(/ENOBUFS.*listen, 10055/);
    expect(others).to.deep.equal([]);
    printed(report);
  });

  it('cannot run where there is no platform, and names no folder in saying so', async () => {
    const platform = (): never => {
      throw new Error(String.raw`Cannot find module 'C:\Users\Ann\app\koffi.node'`);
    };
    const report = await examine({ ...simulatedMachine(), platform }, '0.0.0');
    expect(EXIT_CODES[report.verdict]).to.equal(2);
    expect(formatReport(report)).to.match(/^iocp-pal cannot run here: Cannot find module '…\/koffi\.node'$/m);
  });

  it('goes on without what the system does not say', async () => {
    const refuse = (): never => {
      throw new Error('not for you');
    };
    const report = await examine(
      { ...simulatedMachine(), catalog: refuse, facts: () => Promise.reject(new Error('no')) },
      '0',
    );
    expect(EXIT_CODES[report.verdict]).to.equal(0);
    expect(unwell(report).map(({ name, status, detail }) => [name, status, detail])).to.deep.equal([
      ['facts of this machine', 'note', 'no'],
      ['the Winsock catalog', 'note', 'not for you'],
    ]);
    printed(report);
  });

  it('names nobody: no user, machine or folder', async () => {
    const text = JSON.stringify(await diagnose());
    for (const name of [os.hostname(), os.homedir(), os.tmpdir(), process.cwd()]) expect(text).not.to.include(name);
  });
});
