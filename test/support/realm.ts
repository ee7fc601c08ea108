/** Values of another realm, as jest, jsdom and node:vm have them: with classes of their own, and the same shared memory. */
import { createContext } from 'node:vm';
import { MessageChannel, moveMessagePortToContext, receiveMessageOnPort } from 'node:worker_threads';

/** A structured clone that is made of another realm's classes. Shared memory stays the same. */
export function inAnotherRealm<Value>(value: Value): Value {
  const { port1, port2 } = new MessageChannel();
  try {
    const moved = moveMessagePortToContext(port2, createContext());
    port1.postMessage(value);
    return (receiveMessageOnPort(moved) as { message: Value }).message;
  } finally {
    port1.close();
  }
}
