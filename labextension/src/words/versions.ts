/** Pipelines, their versions, images and models. */
import type { IGraph, IParameter, ISource } from './graphs';

export interface IImageVersion {
  name: string;
  reference: string;
  state: 'ready' | 'missing' | 'unknown';
  digest: string;
  message: string;
}

export interface IPipeline {
  id: string;
  name: string;
  description: string;
  created_at: string;
  default_version_id: string;
}

export interface IPipelineVersion {
  id: string;
  pipeline_id: string;
  pipeline_name: string;
  name: string;
  number: number;
  created_at: string;
  parameters: IParameter[];
  sha256: string;
  graph: IGraph | null;
  images: IImageVersion[];
  source: ISource | null;
}

export type Change = 'added' | 'removed' | 'changed';

/** What is different in a version, seen from another. */
export interface IVersionDiff {
  old_id: string;
  new_id: string;
  steps: Record<string, Change>;
  parameters: { name: string; change: Change; old: unknown; new: unknown }[];
  text: string;
  truncated: boolean;
}

export interface IModelVersion {
  key: string;
  name: string;
  location: string;
  created_at: string;
  size: number;
  sha256: string;
  files: { path: string; size: number; sha256: string }[];
  run_id: string;
  run_name: string;
  version_id: string;
  pipeline_name: string;
  notebook: string;
}

/** A notebook or a file to compile, with the content that stands in its editor. */
export interface ISourceContent {
  path: string;
  content?: unknown;
}

export interface IUploadRequest extends ISourceContent {
  function?: string;
  pipeline_name?: string;
  build?: boolean;
}
