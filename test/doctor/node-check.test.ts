/** The Node.js that npm only warns about. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { checkNode, SUPPORTED_NODES } from '../../src/doctor/node-check.ts';

describe('the check of Node.js', () => {
  it('asks for what package.json asks for', () => {
    const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).to.equal(SUPPORTED_NODES);
  });

  it('passes those, and no other', () => {
    for (const version of ['20.19.0', '20.20.2', '22.12.0', '22.23.3', '23.0.0', '24.21.0', '26.10.0']) {
      expect(checkNode(version), version).to.include({ status: 'ok' });
    }
    for (const version of ['18.20.8', '20.18.3', '21.7.3', '22.11.0']) {
      expect(checkNode(version), version).to.include({ status: 'failed' }).with.property('advice');
    }
  });
});
