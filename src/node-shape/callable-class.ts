/**
 * Socket and Server are functions and no classes, as Node's are: old code calls them without `new`, and Node's own modules call them on
 * objects of theirs.
 */

/** Whether an object is of the class with this prototype, or inherits from it. */
export function hasPrototype(value: unknown, prototype: object): boolean {
  return Object.prototype.isPrototypeOf.call(prototype, value as object);
}

/**
 * Makes a function the constructor of a class of ours.
 * @param prototype of the class
 * @param NodeClass of which objects count as ours too: TLS sockets, pipes, http's servers
 * @param Parent what Node's inherits from
 */
export function becomeClass(
  construct: (this: unknown, ...args: never[]) => unknown,
  name: string,
  prototype: object,
  NodeClass: abstract new (...args: never[]) => unknown,
  Parent: object,
): void {
  Object.defineProperties(construct, {
    name: { value: name, configurable: true },
    prototype: { value: prototype },
    [Symbol.hasInstance]: {
      value(this: unknown, value: unknown): boolean {
        // A class that inherits from it has only its own.
        if (this !== construct) return Function.prototype[Symbol.hasInstance].call(this as () => void, value);
        return hasPrototype(value, prototype) || hasPrototype(value, NodeClass.prototype as object);
      },
    },
  });
  Object.defineProperty(prototype, 'constructor', { value: construct, configurable: true, writable: true });
  Object.setPrototypeOf(construct, Parent);
}

/** Has `instanceof` of Node's own class count ours as well: for those that are still there when ours has left its place. */
export function countAsNodes(NodeClass: abstract new (...args: never[]) => unknown, prototype: object): void {
  Object.defineProperty(NodeClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      const isItsOwn = Function.prototype[Symbol.hasInstance].call(this as () => void, value);
      // A class that inherits from it has only its own.
      return isItsOwn || (this === NodeClass && hasPrototype(value, prototype));
    },
    configurable: true,
    writable: true,
  });
}
