/** Entries of the Winsock catalog, as bytes. */
import { expect } from 'chai';
import { AF_INET6, IPPROTO_TCP, XP1_IFS_HANDLES } from '../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW } from '../../ffi/layouts.ts';
import { providerAt } from '../../src/doctor/catalog.ts';
import { checkCatalog } from '../../src/doctor/provider-checks.ts';

const BASE = { name: 'MSAFD Tcpip [TCP/IP]', protocol: 'TCP', family: 4, realHandles: true, chainLength: 1 } as const;

describe('the Winsock catalog', () => {
  it('is read entry by entry', () => {
    const view = new DataView(new ArrayBuffer(2 * WSAPROTOCOL_INFOW.size));
    const at = WSAPROTOCOL_INFOW.size;
    view.setUint32(at + WSAPROTOCOL_INFOW.dwServiceFlags1, XP1_IFS_HANDLES | 0x66, true);
    view.setInt32(at + WSAPROTOCOL_INFOW.ChainLen, 3, true);
    view.setInt32(at + WSAPROTOCOL_INFOW.iAddressFamily, AF_INET6, true);
    view.setInt32(at + WSAPROTOCOL_INFOW.iProtocol, IPPROTO_TCP, true);
    // As long as it may be: nothing ends it but the end of the entry.
    for (let index = 0; index < 256; index++) view.setUint16(at + WSAPROTOCOL_INFOW.szProtocol + 2 * index, 0xe9, true);
    expect(providerAt(view, at)).to.deep.equal({
      name: 'é'.repeat(256),
      protocol: 'TCP',
      family: 6,
      realHandles: true,
      chainLength: 3,
    });
    expect(providerAt(view, 0), 'an entry of another protocol').to.equal(null);
    expect(WSAPROTOCOL_INFOW.szProtocol + 512).to.equal(WSAPROTOCOL_INFOW.size);
  });

  it('is well with layers that have real handles, which is worth a word', () => {
    expect(checkCatalog([BASE])).to.include({ status: 'ok' });
    const chain = { ...BASE, name: 'Filter over [MSAFD Tcpip [TCP/IP]]', chainLength: 2 };
    expect(checkCatalog([chain, BASE])).to.include({
      status: 'note',
      detail: '2 providers of TCP and UDP, 1 layered chains',
    });
    expect(checkCatalog([{ ...chain, realHandles: false }, BASE])).to.include({ status: 'failed' });
  });
});
