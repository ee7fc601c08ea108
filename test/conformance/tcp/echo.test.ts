/** Data comes back as it was sent, whatever its size: around powers of two and around the library's block sizes. */
import { expect } from 'chai';
import { seededBytes } from '../../support/bytes.ts';
import { onEveryBed } from '../../support/beds.ts';
import { echo, pair, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

const MIB = 1024 * 1024;
const around = (size: number): number[] => [size - 1, size, size + 1];

const sizes = {
  'a few bytes': [1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257],
  'around 512 and 4096': [512, 1024, 2048, 4096, 8192].flatMap(around),
  'around 16384 and 65536': [16384, 32768, 65536].flatMap(around),
  'around 131072 and 262144': [131072, 262144].flatMap(around),
  'around 1 MiB': around(MIB),
  '16 MiB': [16 * MIB],
};

onEveryBed('echo', (bed) => {
  const fixture = testPal(bed);

  for (const [title, list] of Object.entries(sizes)) {
    it(title, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const echoing = echo(pal, served);
      for (const size of list) {
        const sent = seededBytes(size, size);
        // Both at once: neither side's kernel buffers hold the large ones.
        const [written, received] = await Promise.all([write(pal, client, sent), readExactly(pal, client, size)]);
        expect(written, `bytes of a write of ${size}`).to.equal(size);
        expect(received.equals(sent), `${size} bytes come back unchanged`).to.equal(true);
      }
      pal.shutdown(client, 'send');
      await echoing;
    });
  }

  it('many messages on one connection', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const echoing = echo(pal, served);
    for (let message = 0; message < 500; message++) {
      const sent = seededBytes(1 + (message % 200), message);
      await write(pal, client, sent);
      expect((await readExactly(pal, client, sent.length)).equals(sent), `message ${message}`).to.equal(true);
    }
    pal.shutdown(client, 'send');
    await echoing;
  });
});
