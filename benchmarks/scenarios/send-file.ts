/** The server sends a file, again and again: TransmitFile against reading and writing, and against a stream. */
import { grid, type Scenario } from '../lib/scenario.ts';
import { FILE_BYTES } from '../servers/settings.ts';
import { pump } from './pump.ts';

export const sendFile: Scenario = {
  title: 'send-file: the server sends a file of 16 MiB, again when it has been taken',
  server: 'send-file',
  ratioOf: 'megabytesPerSecond',
  cells: (settings) => grid({ ...settings, sizes: undefined }, [1, 16], [FILE_BYTES]),
  measure: pump.measure,
};
