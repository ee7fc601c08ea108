/** A process whose TCP provider has no real file handles: completion ports cannot be trusted there, and initialize says so. */
import { expect } from 'chai';
import { createNetworkPal, NetworkErrorCode } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';
import { thrownBy } from '../../support/errors.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

describe('initialize with a layered service provider', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`names it, says how to get rid of it, and leaves nothing behind, ${profile}`, () => {
      const platform = simulatePlatform({ profile, layeredProvider: true });
      const error = thrownBy(() => createNetworkPal({ platform }).initialize());
      expect(error).to.include({ code: 'ERR_LAYERED_SERVICE_PROVIDER', kind: NetworkErrorCode.InitializationFailed });
      expect(error.message).to.match(/netsh winsock show catalog/);
      expectNothingLeft(platform);
    });
  }
});
