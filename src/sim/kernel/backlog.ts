/** What a system makes of listen()'s backlog. */
import { SOMAXCONN_HINT_MAX, SOMAXCONN_HINT_MIN } from '../../../ffi/constants.ts';
import type { Profile } from '../machine/profile.ts';
import type { Listener } from './socket.ts';

/** Linux' net.core.somaxconn since 5.4. */
const LINUX_SOMAXCONN = 4096;

/**
 * Windows takes at most 200, SOMAXCONN included, unless it is told SOMAXCONN_HINT(n), which is -n and adjusted into
 * 200 … 65535; "illegal values are replaced by the nearest legal value" (the listen page). Linux, which has Wine's backlog,
 * compares the number without its sign with net.core.somaxconn, and takes one more than it is told.
 */
export function backlogLimit(profile: Profile, backlog: number): number {
  if (profile.name === 'wine') return Math.min(backlog >>> 0, LINUX_SOMAXCONN) + 1;
  if (backlog < 0) return Math.min(Math.max(-backlog, SOMAXCONN_HINT_MIN), SOMAXCONN_HINT_MAX);
  return Math.min(Math.max(backlog, 1), SOMAXCONN_HINT_MIN);
}

/** No further connection can wait. On Windows the accepts that are posted take theirs beside the queue. */
export function isFull({ socket, limit, backlog, accepts }: Listener): boolean {
  const room = socket.platform.profile.name === 'windows' ? limit + accepts.length : limit;
  return backlog.length >= room;
}
