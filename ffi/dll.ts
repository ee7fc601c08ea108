/** A DLL as a table of functions, each declared once, in C: its type in TypeScript follows from that. */
import type { KoffiModule } from './koffi.ts';

/** One number for each parameter of a C parameter list. */
type Arguments<List extends string> = List extends ''
  ? []
  : List extends `${string},${infer Rest}`
    ? [number, ...Arguments<Rest>]
    : [number];

/** The functions of a table of C declarations. All arguments and results are numbers, but for void. */
export type Functions<Declarations> = {
  -readonly [Name in keyof Declarations]: Declarations[Name] extends `void ${string}(${infer List})`
    ? (...args: Arguments<List>) => void
    : Declarations[Name] extends `${string}(${infer List})`
      ? (...args: Arguments<List>) => number
      : never;
};

/** Makes the functions of one DLL callable. */
export function bindTable<const Declarations extends Readonly<Record<string, string>>>(
  koffi: KoffiModule,
  dll: string,
  declarations: Declarations,
): Functions<Declarations> {
  const library = koffi.load(dll);
  const table: Partial<Record<string, unknown>> = {};
  for (const [name, declaration] of Object.entries<string>(declarations)) table[name] = library.func(declaration);
  return table as Functions<Declarations>;
}
