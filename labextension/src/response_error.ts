import type { TranslationBundle } from '@jupyterlab/translation';

import type { Kfops } from './tokens';

/** Why a request failed, in the three parts that every kfops error has. */
export class KfopsResponseError extends Error {
  constructor(
    readonly error: Kfops.IError,
    /** The HTTP status; 0 where the Jupyter server did not answer. */
    readonly status: number
  ) {
    super(error.message);
    this.name = 'KfopsResponseError';
  }
}

/** What a failure says of itself, whoever threw it. */
export function errorOf(reason: unknown): Kfops.IError {
  if (reason instanceof KfopsResponseError) {
    return reason.error;
  }
  return failure('error', reason instanceof Error ? reason.message : String(reason));
}

/** An error that the panel itself has found. */
export function failure(code: string, message: string, why = ''): Kfops.IError {
  return { code, message, why, remedy: '', details: {} };
}

/** What the answer to a request says of its failure. */
export function readError(
  value: unknown,
  response: Response,
  trans: TranslationBundle
): Kfops.IError {
  const found = value as Partial<Kfops.IError> | null;
  if (found && typeof found.message === 'string' && typeof found.code === 'string') {
    return {
      code: found.code,
      message: found.message,
      why: found.why ?? '',
      remedy: found.remedy ?? '',
      details: found.details ?? {}
    };
  }
  // without a kfops error in the body, a 404 is the server's own: nothing is mounted below kfops/
  const code = response.status === 404 ? 'no_extension' : 'error';
  const message = typeof found?.message === 'string' ? found.message : response.statusText;
  return failure(code, trans.__('The Jupyter server answered %1', response.status), message);
}
