import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { ChangeFeed } from './changes';
import { failure, KfopsResponseError, readError } from './response_error';
import type { Kfops } from './tokens';

/** The one client of the REST API below `<base url>kfops/`. */
export class KfopsApi {
  constructor(options: KfopsApi.IOptions) {
    this._serverSettings = options.serverSettings;
    this._trans = options.trans;
    this._document = options.document ?? (() => '');
    this.changes = new ChangeFeed({ wait: (...seen) => this._waitForChanges(...seen) });
  }

  /** Tells when runs change. */
  readonly changes: ChangeFeed;

  status(): Promise<Kfops.IStatus> {
    return this._request('status');
  }

  /** Use another backend from now on; an error in the answer says why it cannot be used now. */
  useBackend(kind: Kfops.BackendKind): Promise<Kfops.IConnectionStatus> {
    return this._request('connection', 'PATCH', { use: kind });
  }

  compile(source: Kfops.IUploadRequest): Promise<Kfops.IOperation> {
    return this._request('packages', 'POST', source);
  }

  upload(request: Kfops.IUploadRequest): Promise<Kfops.IOperation> {
    return this._request('versions', 'POST', request);
  }

  buildImages(versionId: string, source?: Kfops.ISourceContent): Promise<Kfops.IOperation> {
    return this._request(`versions/${encodeURIComponent(versionId)}/images`, 'POST', source ?? {});
  }

  operation(id: string): Promise<Kfops.IOperation> {
    return this._request(`operations/${encodeURIComponent(id)}`);
  }

  async cancelOperation(id: string): Promise<void> {
    await this._request(`operations/${encodeURIComponent(id)}`, 'DELETE');
  }

  async pipelines(): Promise<Kfops.IPipeline[]> {
    return (await this._request<{ pipelines: Kfops.IPipeline[] }>('pipelines')).pipelines;
  }

  async versions(pipelineId: string): Promise<Kfops.IPipelineVersion[]> {
    const path = `pipelines/${encodeURIComponent(pipelineId)}/versions`;
    return (await this._request<{ versions: Kfops.IPipelineVersion[] }>(path)).versions;
  }

  version(id: string): Promise<Kfops.IPipelineVersion> {
    return this._request(`versions/${encodeURIComponent(id)}`);
  }

  /** The package of a version, as it was uploaded: YAML. */
  async versionPackage(id: string): Promise<string> {
    return (await this._request<{ text: string }>(`versions/${encodeURIComponent(id)}/package`))
      .text;
  }

  /** What is different in the version `id`, seen from `since`. */
  versionChanges(id: string, since: string): Promise<Kfops.IVersionDiff> {
    const path = `versions/${encodeURIComponent(id)}/changes`;
    return this._request(path + URLExt.objectToQueryString({ since }));
  }

  async deleteVersion(id: string): Promise<void> {
    await this._request(`versions/${encodeURIComponent(id)}`, 'DELETE');
  }

  async setDefaultVersion(pipelineId: string, versionId: string): Promise<void> {
    await this._request(`pipelines/${encodeURIComponent(pipelineId)}`, 'PATCH', {
      default_version_id: versionId
    });
  }

  async deletePipeline(id: string): Promise<void> {
    await this._request(`pipelines/${encodeURIComponent(id)}`, 'DELETE');
  }

  /** The newest versions that have images of their own. */
  async images(): Promise<Kfops.IPipelineVersion[]> {
    return (await this._request<{ versions: Kfops.IPipelineVersion[] }>('images')).versions;
  }

  runs(
    pageToken = '',
    pageSize = 50,
    query: Kfops.IRunQuery = {}
  ): Promise<{ runs: Kfops.IRun[]; next_page_token: string }> {
    const asked: Record<string, string> = {
      page_token: pageToken,
      page_size: String(pageSize)
    };
    for (const [name, value] of Object.entries(query)) {
      if (value) {
        asked[name] = String(value);
      }
    }
    return this._request('runs' + URLExt.objectToQueryString(asked));
  }

  compareRuns(ids: string[]): Promise<Kfops.IRunComparison> {
    return this._request('comparison' + URLExt.objectToQueryString({ run_ids: ids.join(',') }));
  }

  archiveRun(id: string, archived: boolean): Promise<Kfops.IRun> {
    return this._request(`runs/${encodeURIComponent(id)}`, 'PATCH', { archived });
  }

  async deleteRun(id: string): Promise<void> {
    await this._request(`runs/${encodeURIComponent(id)}`, 'DELETE');
  }

  /** A step's output artifacts as they can be looked at. */
  async previews(runId: string, stepId: string): Promise<Kfops.IPreview[]> {
    const path = `${stepPath(runId, stepId)}/artifacts`;
    return (await this._request<{ previews: Kfops.IPreview[] }>(path)).previews;
  }

  run(id: string): Promise<Kfops.IRun> {
    return this._request(`runs/${encodeURIComponent(id)}`);
  }

  createRun(request: Kfops.IRunRequest): Promise<Kfops.IRun> {
    return this._request('runs', 'POST', request);
  }

  changeRun(id: string, state: 'stopped' | 'running'): Promise<Kfops.IRun> {
    return this._request(`runs/${encodeURIComponent(id)}`, 'PATCH', { state });
  }

  /** A part of a step's log from a byte on, or its end. */
  stepLog(
    runId: string,
    stepId: string,
    part: { offset?: number; limit?: number }
  ): Promise<Kfops.ILogPart> {
    return this._request(
      `${stepPath(runId, stepId)}/log${URLExt.objectToQueryString({ ...part })}`
    );
  }

  /** Where a browser finds the whole log of a step, as a file. */
  stepLogUrl(runId: string, stepId: string): string {
    return this._url(`${stepPath(runId, stepId)}/log-file`);
  }

  /** What a step asks for, and where its outputs came from if they were reused. */
  stepSpec(runId: string, stepId: string): Promise<Kfops.IStepSpec> {
    return this._request(stepPath(runId, stepId));
  }

  versionStepSpec(versionId: string, stepId: string): Promise<Kfops.IStepSpec> {
    return this._request(
      `versions/${encodeURIComponent(versionId)}/steps/${encodeURIComponent(stepId)}`
    );
  }

  async models(): Promise<Kfops.IModelVersion[]> {
    return (await this._request<{ models: Kfops.IModelVersion[] }>('models')).models;
  }

  async experiments(): Promise<Kfops.IExperiment[]> {
    return (await this._request<{ experiments: Kfops.IExperiment[] }>('experiments')).experiments;
  }

  async recurringRuns(): Promise<Kfops.IRecurringRun[]> {
    const path = 'recurring-runs';
    return (await this._request<{ recurring_runs: Kfops.IRecurringRun[] }>(path)).recurring_runs;
  }

  /** Have a version run again and again, by a cron expression with seconds or `@every 1h30m`. */
  createRecurringRun(
    request: Kfops.IRunRequest & { schedule: string }
  ): Promise<Kfops.IRecurringRun> {
    return this._request('recurring-runs', 'POST', request);
  }

  pauseRecurringRun(id: string, enabled: boolean): Promise<Kfops.IRecurringRun> {
    return this._request(`recurring-runs/${encodeURIComponent(id)}`, 'PATCH', { enabled });
  }

  async deleteRecurringRun(id: string): Promise<void> {
    await this._request(`recurring-runs/${encodeURIComponent(id)}`, 'DELETE');
  }

  createExperiment(name: string): Promise<Kfops.IExperiment> {
    return this._request('experiments', 'POST', { name });
  }

  async archiveExperiment(id: string, archived: boolean): Promise<void> {
    await this._request(`experiments/${encodeURIComponent(id)}`, 'PATCH', { archived });
  }

  async deleteExperiment(id: string): Promise<void> {
    await this._request(`experiments/${encodeURIComponent(id)}`, 'DELETE');
  }

  private _waitForChanges(
    seen: ReadonlyMap<string, number>,
    signal: AbortSignal,
    switches: number | null
  ): Promise<Kfops.IChanges> {
    const query = Array.from(seen, ([run, number]) =>
      run
        ? `${run.includes('/') ? 'log' : 'run'}=${encodeURIComponent(`${run}:${number}`)}`
        : `runs=${number}`
    );
    if (switches !== null) {
      query.push(`switches=${switches}`);
    }
    return this._request(`changes?${query.join('&')}`, 'GET', undefined, signal);
  }

  /**
   * Send a request and read its answer.
   *
   * @throws KfopsResponseError - whatever went wrong: no answer, a refusal, an answer that is not JSON
   */
  private async _request<T>(
    path: string,
    method = 'GET',
    body?: unknown,
    signal?: AbortSignal
  ): Promise<T> {
    const init: RequestInit = { method, cache: 'no-store', ...(signal && { signal }) };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this._url(path), init, this._serverSettings);
    } catch (reason) {
      throw new KfopsResponseError(
        failure('no_server', this._trans.__('Jupyter server does not answer'), String(reason)),
        0
      );
    }
    const text = await response.text();
    let value: unknown = null;
    try {
      value = text ? JSON.parse(text) : null;
    } catch {
      // a page in place of JSON: an old proxy, or a server without the extension; told by what follows
    }
    if (!response.ok) {
      throw new KfopsResponseError(readError(value, response, this._trans), response.status);
    }
    if (value === null && response.status !== 204) {
      throw new KfopsResponseError(
        failure(
          'not_json',
          this._trans.__('The answer of the Jupyter server is not JSON'),
          `${method} kfops/${path}`
        ),
        response.status
      );
    }
    return value as T;
  }

  private _url(path: string): string {
    const document = this._document();
    const query =
      document && `${path.includes('?') ? '&' : '?'}path=${encodeURIComponent(document)}`;
    return URLExt.join(this._serverSettings.baseUrl, 'kfops') + '/' + path + query;
  }

  private _serverSettings: ServerConnection.ISettings;
  private _trans: TranslationBundle;
  private _document: () => string;
}

export namespace KfopsApi {
  export interface IOptions {
    serverSettings: ServerConnection.ISettings;
    trans: TranslationBundle;
    /** The path of the document that is worked on: the server looks for config.yaml from its folder. */
    document?: () => string;
  }
}

function stepPath(runId: string, stepId: string): string {
  return `runs/${encodeURIComponent(runId)}/steps/${encodeURIComponent(stepId)}`;
}
