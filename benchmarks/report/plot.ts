/**
 * Observable Plot and a document for it. Their declarations need the DOM's, which a library for Node has no use for: so
 * they are loaded untyped, and what is used of them is described here.
 */

/** What charts use of @observablehq/plot. */
export interface PlotModule {
  plot(options: object): { outerHTML: string; scale(name: string): { apply(value: number): number } };
  lineY(data: unknown, options: object): unknown;
  dot(data: unknown, options: object): unknown;
  text(data: unknown, options: object): unknown;
}

interface LinkedomModule {
  parseHTML: (html: string) => { document: object };
}

export async function loadPlot(): Promise<{ Plot: PlotModule; document: object }> {
  const Plot = (await load('@observablehq/plot')) as PlotModule;
  const { parseHTML } = (await load('linkedom')) as LinkedomModule;
  return { Plot, document: parseHTML('<!doctype html><html><body></body></html>').document };
}

/** A name that TypeScript does not look into. */
function load(name: string): Promise<unknown> {
  return import(name);
}
