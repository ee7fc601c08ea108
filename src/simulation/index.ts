/**
 * iocp-pal/sim: a simulated Windows for tests. simulate() gives the promises on it; simulatePlatform() and simulateNetwork() give the
 * platform, for a PAL of your own.
 *
 * @example
 * import { simulate } from 'iocp-pal/sim';
 * const { listen, connect } = simulate({ seed: 7 });
 * const server = await listen();
 * void server.serve((connection) => connection.write('hello'));
 * const client = await connect({ port: server.port });
 * assert.equal(String(await client.readExactly(5)), 'hello');
 */
export { simulate, type SimulateOptions, type Simulation } from './simulate.ts';
export * from '../sim/index.ts';
