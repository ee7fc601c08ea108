/** What a session of a soak may be, and how often it is. */
import { connectedDatagrams, cutDatagrams, datagrams } from './datagrams.ts';
import { fileCancelled, fileSent } from './files.ts';
import { movedByExport, movedByTransfer } from './moving.ts';
import { deadAddressFirst, localhost } from './names.ts';
import { remoteWrites } from './remote-writer.ts';
import {
  cancelConnect,
  cancelReads,
  churn,
  closePending,
  echo,
  halfClose,
  refused,
  resetByServer,
  resetByUs,
  serverChurn,
  slowReader,
} from './sessions.ts';
import type { Session } from './talk.ts';
import { Wish } from './wishes.ts';

export const SESSIONS: Readonly<Record<string, { readonly weight: number; readonly run: Session }>> = {
  echo: { weight: 6, run: (world, random) => echo(world, random, Wish.Echo) },
  'echo by watch': { weight: 2, run: (world, random) => echo(world, random, Wish.WatchEcho) },
  'half-close': { weight: 3, run: halfClose },
  churn: { weight: 4, run: churn },
  'slow reader': { weight: 1, run: slowReader },
  'reset by us': { weight: 2, run: resetByUs },
  'reset by the server': { weight: 2, run: resetByServer },
  'reads cancelled': { weight: 3, run: cancelReads },
  'connect cancelled': { weight: 1, run: cancelConnect },
  'close with operations pending': { weight: 3, run: closePending },
  'connect refused': { weight: 1, run: refused },
  'server opened and closed': { weight: 1, run: serverChurn },
  datagrams: { weight: 3, run: datagrams },
  'connected datagrams': { weight: 2, run: connectedDatagrams },
  'datagrams cut off': { weight: 1, run: cutDatagrams },
  'file sent': { weight: 2, run: fileSent },
  'file taken back': { weight: 1, run: fileCancelled },
  'connect to localhost': { weight: 1, run: localhost },
  'connect past dead addresses': { weight: 2, run: deadAddressFirst },
  'written by another thread': { weight: 2, run: remoteWrites },
  'moved by transfer': { weight: 2, run: movedByTransfer },
  'moved by export': { weight: 2, run: movedByExport },
};
