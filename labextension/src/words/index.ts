/**
 * The words of kfops, as they come over REST (`server_ext/kfops_server/openapi.yaml`).
 * Names are those of the Python dataclasses in `kfops/types/`.
 */
export type * from './graphs';
export type * from './runs';
export type * from './server';
export type * from './versions';
