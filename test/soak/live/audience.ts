/** What somebody who watches must see: frames in order, from a key frame on, and missing ones by whole groups of pictures. */
import { numberOf, type RtmpClient } from '../../support/rtmp-client.ts';
import { MessageType } from '../../../docs/examples/rtmp-relay/chunks.ts';

/** Frames in a group of pictures. */
export const GROUP = 10;

/** Watches to the end of the stream. Returns the number of frames, and of bytes in them. @throws Error for what must not be */
export async function watch(player: RtmpClient): Promise<{ frames: number; bytes: number }> {
  let [frames, bytes, last] = [0, 0, -1];
  for (let message; (message = await player.nextMedia()) !== null;) {
    const { type, payload } = message;
    if (type !== MessageType.Video) continue;
    const number = numberOf(payload);
    const isNext = frames > 0 && number === last + 1;
    const isNewGroup = number > last && number % GROUP === 0 && (frames === 0 || last % GROUP === GROUP - 1);
    if (!isNext && !isNewGroup) throw new Error(`Frame ${number} came behind frame ${last}`);
    if (payload.subarray(9).some((byte) => byte !== (number & 255))) throw new Error(`Frame ${number} has wrong bytes`);
    last = number;
    frames++;
    bytes += payload.length;
  }
  return { frames, bytes };
}
