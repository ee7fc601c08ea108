/** Errors as values, to look at all of their fields. */
import { expect } from 'chai';
import { NetworkError, NetworkErrorCode } from '../../src/index.ts';

/** What tests look at, whatever class the error is of. */
export interface CodedError extends Error {
  readonly code: string;
  readonly kind?: NetworkErrorCode;
}

/** The error that `act` throws. Fails when it throws none. */
export function thrownBy(act: () => unknown): CodedError {
  try {
    act();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error as CodedError;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

/** The NetworkError that a promise is rejected with. Fails when it is fulfilled. */
export async function rejectionOf(promise: Promise<unknown>): Promise<NetworkError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome === null) throw new Error('The promise was fulfilled');
  expect(outcome).to.be.instanceOf(NetworkError);
  return outcome as NetworkError;
}

/** Asserts what a closed socket's operations end with. */
export function expectClosed(error: NetworkError | null | undefined, label = 'the error'): void {
  expect(error?.code, label).to.equal('ECANCELED');
  expect(error?.kind, label).to.equal(NetworkErrorCode.ConnectionClosed);
}
