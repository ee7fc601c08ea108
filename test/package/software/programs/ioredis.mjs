// ioredis with a real Redis at the port that is given: pipelines, a large value, a blocking pop, publish and subscribe.
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { say } from './said.mjs';

const port = Number(process.argv[2]);
const redis = new Redis(port, '127.0.0.1');
const large = Buffer.alloc(1024 * 1024, 'redis');
await redis.set('large', large);
const pipeline = redis.pipeline();
for (let n = 0; n < 1000; n++) pipeline.incr('counter');
const counts = await pipeline.exec();
const blocked = new Redis(port, '127.0.0.1');
const popped = blocked.blpop('list', 0);
const subscriber = new Redis(port, '127.0.0.1');
await subscriber.subscribe('news');
const message = once(subscriber, 'message');
await redis.publish('news', 'good news');
await redis.rpush('list', 'pushed');
const said = {
  large: (await redis.getBuffer('large')).equals(large),
  counter: counts.at(-1)[1],
  popped: (await popped)[1],
  message: (await message)[1],
  error: await redis.call('NONSENSE').catch(({ message }) => message.split(' ').slice(0, 3).join(' ')),
};
await Promise.all([redis.quit(), blocked.quit(), subscriber.quit()]);
say(said);
