/** The relay of docs/examples/rtmp-relay on a network: the same program for each. */
import { startRelay, type RelayNetwork } from '../../docs/examples/rtmp-relay/relay.ts';
import { report, type Counts } from './control.ts';

/** Bytes that wait for one player: four seconds, which are two groups of pictures. */
const QUEUE_BYTES = 2_000_000;

export async function serveRelay(network: RelayNetwork, pinnedBytes: () => number): Promise<void> {
  /** Those who have said what they want. */
  let begun = 0;
  const say = (text: string): void => void (begun += / (plays|publishes) /.test(text) ? 1 : 0);
  const relay = await startRelay(network, { port: 0, limits: { queueBytes: QUEUE_BYTES }, say });
  report(relay.server.port, (): Counts => {
    const players = [...relay.streams.values()].flatMap((stream) => [...stream.players]);
    const dropped = players.reduce((sum, player) => sum + player.droppedFrames, 0);
    return { pinnedBytes: pinnedBytes(), accepted: begun, dropped };
  });
}
