import type { TranslationBundle } from '@jupyterlab/translation';

import { KfopsResponseError } from './response_error';
import type { KfopsApi } from './api';
import type { KfopsModel } from './models/kfops';
import type { ISourceDocument } from './models/source';
import { sourceState } from './models/source_state';
import type { Kfops } from './tokens';

/** What a person can have done to the document at hand; each waits until it is done. */
export class SourceActions {
  constructor(
    private readonly _model: KfopsModel,
    private readonly _trans: TranslationBundle
  ) {}

  /** Compile the document as it stands in its editor. */
  compile(): Promise<Kfops.IOperation> {
    return this._do(content => this._api.compile(content));
  }

  /** Compile the document and upload it as a pipeline version. */
  async upload(): Promise<Kfops.IPipelineVersion | null> {
    const operation = await this._do(content => this._api.upload(content));
    void this._model.pipelines.refresh();
    return operation.state === 'succeeded' ? (operation.result as Kfops.IPipelineVersion) : null;
  }

  /** Build the images of a version; of the document's own where none is named. */
  async buildImages(versionId?: string): Promise<void> {
    const source = this._model.source.current;
    const own = source ? sourceState(source, this._model.operations).version : null;
    const id = versionId ?? own?.id;
    if (!id) {
      throw new Error('no version to build images for');
    }
    // the Dockerfiles of the document at hand only when it is the version's own source
    const content = source && own?.id === id ? source.content() : undefined;
    const operation = await this._model.operations.begin(id, '', () =>
      this._api.buildImages(id, content)
    );
    await this._model.operations.finished(operation.id);
    void this._model.pipelines.refresh();
  }

  /** The version to run for the document: the one uploaded, or a new one when its code has changed. */
  async versionToRun(): Promise<Kfops.IPipelineVersion | null> {
    const state = sourceState(this._document(), this._model.operations);
    return state.version && !state.versionOutdated ? state.version : this.upload();
  }

  private _document(): ISourceDocument {
    const source = this._model.source.current;
    if (!source) {
      throw new KfopsResponseError(
        {
          code: 'invalid_input',
          message: this._trans.__('No notebook or Python file is open'),
          why: '',
          remedy: this._trans.__('Open the one that defines the pipeline.'),
          details: {}
        },
        0
      );
    }
    return source;
  }

  private async _do(
    begin: (content: Kfops.ISourceContent) => Promise<Kfops.IOperation>
  ): Promise<Kfops.IOperation> {
    const source = this._document();
    const { operations } = this._model;
    const operation = await operations.begin(source.path, source.signature(), () =>
      begin(source.content())
    );
    return operations.finished(operation.id);
  }

  private get _api(): KfopsApi {
    return this._model.api;
  }
}
