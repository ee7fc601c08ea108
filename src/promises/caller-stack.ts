/**
 * Errors come in a turn of the loop, whose stack says nothing of the program. V8 knows which async functions wait for a
 * promise: it adds them to a stack that is taken in one of its reactions. So the stack of an error is taken once more where
 * it passes through an async function of this face, which costs nothing as long as there is no error.
 * Source: https://v8.dev/docs/stack-trace-api#async-stack-traces
 */

/** Gives the error the stack of the async functions that wait, and throws it. To be called from an async function's catch. */
export function inCallersStack(error: unknown): never {
  if (error instanceof Error) Error.captureStackTrace(error, inCallersStack);
  throw error;
}
