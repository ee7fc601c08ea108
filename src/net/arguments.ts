/** The forms in which arguments come: (options), (port, host), (path), each with a callback at the end. */
/** What connect() and listen() were called with: the options, and the callback or null. */
export type Normalized<Options> = readonly [options: Options, callback: ((...args: unknown[]) => void) | null];

/** The number that a value stands for, or false for what is none, or less than 0. */
export function toNumber(value: unknown): number | false {
  const number = Number(value);
  return number >= 0 && number;
}

/** A text that is no number is the name of a pipe. */
export function isPipeName(value: unknown): value is string {
  return typeof value === 'string' && toNumber(value) === false;
}

/** Brings any of the forms to one. Arguments that were normalized before, by Node.js or here, come as one array. */
export function normalizeArguments<Options extends object>(args: readonly unknown[]): Normalized<Options> {
  const [first, second] = args;
  if (Array.isArray(first)) return first as unknown as Normalized<Options>;
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as (...args: unknown[]) => void) : null;
  if (args.length === 0) return [{} as Options, null];
  if (typeof first === 'object' && first !== null) return [first as Options, callback];
  if (isPipeName(first)) return [{ path: first } as unknown as Options, callback];
  const place = typeof second === 'string' ? { port: first, host: second } : { port: first };
  return [place as unknown as Options, callback];
}

/** Calls a method with arguments as they came. */
export function invoke(target: object, method: string, args: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(target, method) as (...args: unknown[]) => unknown, target, args);
}

/** A text, or undefined for an empty one and for none. */
export function textOrNone(value: string | undefined): string | undefined {
  return value === '' ? undefined : (value ?? undefined);
}

/** A port as connect() and listen() take it: a number or its text, 0 … 65535. */
export function isPort(value: unknown): value is number | string {
  if (typeof value === 'string' && value.trim() === '') return false;
  if (typeof value !== 'number' && typeof value !== 'string') return false;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= 0xffff;
}
