import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { useChanges } from '../components/hooks';
import { RunForm, SCHEDULE } from '../components/run_form';
import { formParameters, initialField, readForm } from '../parameters';
import type { FieldValue } from '../parameters';
import type { Kfops } from '../tokens';

/** What an earlier run was given. */
interface IEarlier {
  parameters: Record<string, unknown>;
  experiment_name: string;
}

/** What is in the form, kept outside of React: the dialog's buttons stand outside of React too. */
class RunFormModel {
  constructor(
    readonly version: Kfops.IPipelineVersion,
    earlier: IEarlier | undefined,
    /** Whether it asks for when to run as well. */
    readonly isRecurring: boolean,
    private readonly _trans: TranslationBundle
  ) {
    this.parameters = formParameters(version.parameters);
    for (const parameter of this.parameters) {
      this.fields[parameter.name] = initialField(parameter, earlier?.parameters[parameter.name]);
    }
    this.experiment = earlier?.experiment_name ?? '';
  }

  readonly parameters: Kfops.IParameter[];
  readonly changed = new Signal<this, void>(this);
  fields: Record<string, FieldValue> = {};
  problems: Record<string, string> = {};
  name = '';
  experiment = '';
  schedule = '';
  sending = false;
  error: Kfops.IError | null = null;

  set(name: string, value: FieldValue): void {
    this.fields = { ...this.fields, [name]: value };
    if (this.problems[name]) {
      // what was wrong is looked at again while it is mended; what is new is left alone until sent
      const { problems } = readForm(this.parameters, this.fields, this._trans);
      this.problems = { ...this.problems, [name]: problems[name] ?? '' };
    }
    this.changed.emit();
  }

  /** Set the run's name, its experiment or when it recurs. */
  label(labels: { name?: string; experiment?: string; schedule?: string }): void {
    Object.assign(this, labels);
    this.changed.emit();
  }

  /** The request to send, or null where a field is wrong. */
  request(): Kfops.IRunRequest | null {
    const { values, problems } = readForm(this.parameters, this.fields, this._trans);
    this.problems = problems;
    if (this.isRecurring && !this.schedule.trim()) {
      problems[SCHEDULE] = this._trans.__('A value is needed.');
    }
    this.changed.emit();
    if (Object.keys(problems).length) {
      return null;
    }
    return {
      version_id: this.version.id,
      parameters: values,
      ...(this.name.trim() && { name: this.name.trim() }),
      ...(this.experiment.trim() && { experiment: this.experiment.trim() })
    };
  }
}

class RunFormBody extends ReactWidget {
  constructor(
    private readonly _model: RunFormModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('kfops-RunDialog');
  }

  protected override render(): JSX.Element {
    return <Body model={this._model} trans={this._trans} />;
  }
}

function Body(props: { model: RunFormModel; trans: TranslationBundle }): JSX.Element {
  const { model, trans } = props;
  useChanges(model.changed);
  return (
    <RunForm
      version={model.version}
      parameters={model.parameters}
      fields={model.fields}
      problems={model.problems}
      name={model.name}
      experiment={model.experiment}
      schedule={model.isRecurring ? model.schedule : null}
      onSchedule={schedule => model.label({ schedule })}
      error={model.error}
      sending={model.sending}
      onField={(name, value) => model.set(name, value)}
      onName={name => model.label({ name })}
      onExperiment={experiment => model.label({ experiment })}
      trans={trans}
    />
  );
}

/** A dialog that closes only when the run has been accepted: what is wrong is said where it is wrong. */
class RunDialog extends Dialog<unknown> {
  constructor(
    options: Partial<Dialog.IOptions<unknown>>,
    private readonly _model: RunFormModel,
    private readonly _send: (request: Kfops.IRunRequest) => Promise<void>
  ) {
    super(options);
    this.addClass('kfops-Dialog');
  }

  override handleEvent(event: Event): void {
    if (
      event.type === 'keydown' &&
      (event as KeyboardEvent).key === 'Enter' &&
      event.target instanceof HTMLTextAreaElement
    ) {
      return;
    }
    super.handleEvent(event);
  }

  override resolve(index = 1): void {
    if (index === 0) {
      super.resolve(0);
      return;
    }
    const request = this._model.sending ? null : this._model.request();
    if (!request) {
      this.node.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
      return;
    }
    this._model.sending = true;
    this._model.error = null;
    this._model.changed.emit();
    this._send(request).then(
      () => super.resolve(1),
      reason => {
        this._model.sending = false;
        this._model.error = errorOf(reason);
        this._model.changed.emit();
      }
    );
  }
}

/** What the form is asked for, and what is done with it. */
interface IFormOptions {
  version: Kfops.IPipelineVersion;
  /** The run whose parameters stand in the form at first; else what the pipeline was run with last. */
  earlier?: Kfops.IRun | undefined;
  /** Remembers for each pipeline what it was run with. */
  stateDB: IStateDB | null;
  trans: TranslationBundle;
}

/** Ask for the parameters of a run and start it; null when the person thinks better of it. */
export async function askForRun(
  options: IFormOptions & { api: KfopsApi }
): Promise<Kfops.IRun | null> {
  const { api, version, trans } = options;
  let run: Kfops.IRun | null = null;
  await ask(options, {
    isRecurring: false,
    title: trans.__('Run %1', version.pipeline_name),
    accept: trans.__('Run'),
    send: async request => {
      run = await api.createRun(request);
    }
  });
  return run;
}

/** Ask for parameters and for when, and have the version run again and again; null when nothing is to recur. */
export async function askForSchedule(
  options: IFormOptions & { api: KfopsApi }
): Promise<Kfops.IRecurringRun | null> {
  const { api, version, trans } = options;
  let recurring: Kfops.IRecurringRun | null = null;
  await ask(options, {
    isRecurring: true,
    title: trans.__('Schedule %1', version.pipeline_name),
    accept: trans.__('Schedule'),
    send: async (request, schedule) => {
      recurring = await api.createRecurringRun({ ...request, schedule });
    }
  });
  return recurring;
}

async function ask(
  options: IFormOptions,
  what: {
    isRecurring: boolean;
    title: string;
    accept: string;
    send: (request: Kfops.IRunRequest, schedule: string) => Promise<void>;
  }
): Promise<void> {
  const { version, stateDB, trans } = options;
  const key = `kfops-lab:values:${version.pipeline_id}`;
  const kept = (await stateDB?.fetch(key).catch(() => undefined)) as unknown as
    IEarlier | undefined;
  const earlier =
    options.earlier ?? (kept && typeof kept.parameters === 'object' ? kept : undefined);
  const model = new RunFormModel(version, earlier, what.isRecurring, trans);
  const dialog = new RunDialog(
    {
      title: what.title,
      body: new RunFormBody(model, trans),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: what.accept })
      ],
      defaultButton: 1,
      focusNodeSelector: 'input, textarea'
    },
    model,
    async request => {
      await what.send(request, model.schedule.trim());
      const values = { parameters: request.parameters, experiment_name: request.experiment ?? '' };
      void stateDB?.save(key, values as ReadonlyPartialJSONObject);
    }
  );
  await dialog.launch();
}
