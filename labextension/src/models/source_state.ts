import type { Kfops } from '../tokens';
import type { IFollowed, OperationsModel } from './operations';
import type { ISourceDocument } from './source';

/** What is known of the pipeline in the current notebook or file. */
export interface ISourceState {
  /** The last package compiled; also when the upload compiled it, as far as a version tells. */
  pkg: Kfops.IPackage | null;
  /** The last version uploaded. */
  version: Kfops.IPipelineVersion | null;
  /** Whether the code has changed since the package, or the version, was made. */
  packageOutdated: boolean;
  versionOutdated: boolean;
  /** What is under way. */
  running: IFollowed | null;
  /** How the last thing asked for failed. */
  error: Kfops.IError | null;
}

/** Put together what the operations say of a source; pure, so that a reload changes nothing. */
export function sourceState(
  source: Pick<ISourceDocument, 'path' | 'signature'>,
  operations: Pick<OperationsModel, 'latest' | 'succeeded'>
): ISourceState {
  const { path } = source;
  const latest = operations.latest(path, 'compile', 'upload');
  const compiled = operations.succeeded(path, 'compile');
  const uploaded = operations.succeeded(path, 'upload');
  let version = (uploaded?.operation?.result ?? null) as Kfops.IPipelineVersion | null;
  const build = version ? operations.latest(version.id, 'build') : null;
  if (version && build?.operation?.state === 'succeeded') {
    const built = build.operation.result as { version?: Kfops.IPipelineVersion } | null;
    version = built?.version ?? version;
  }
  const signature = source.signature();
  // an empty signature is that of a document still being read
  const outdated = (one: IFollowed | null) =>
    one !== null && signature !== '' && one.signature !== '' && one.signature !== signature;
  const last = newer(latest, build);
  return {
    pkg: (compiled?.operation?.result ?? null) as Kfops.IPackage | null,
    version,
    packageOutdated: outdated(compiled),
    versionOutdated: outdated(uploaded),
    running: last && (!last.operation || last.operation.state === 'running') ? last : null,
    error: last?.operation?.state === 'failed' ? last.operation.error : null
  };
}

function newer(one: IFollowed | null, other: IFollowed | null): IFollowed | null {
  if (!one || !other) {
    return one ?? other;
  }
  const time = (followed: IFollowed) => Date.parse(followed.operation?.started_at ?? '') || 0;
  return time(other) > time(one) ? other : one;
}
