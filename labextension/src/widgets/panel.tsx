import { ReactWidget } from '@jupyterlab/apputils';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { ConnectionLine, Obstacle } from '../components/connection';
import { useChanges } from '../components/hooks';
import { Models } from '../components/models';
import { Pipelines } from '../components/pipelines';
import { Runs } from '../components/runs';
import { Section } from '../components/section';
import { Source } from '../components/source';
import type { ISourceActions } from '../components/source';
import type { KfopsModel } from '../models/kfops';
import { sourceState } from '../models/source_state';
import { CommandIDs } from '../tokens';
import { MoreSections } from './more_sections';

import '../../style/panel.css';

/** The panel shows itself how a command has failed. */
const QUIET = { quiet: 'yes' };

const FOLDED_KEY = 'kfops-lab:folded-sections';

/** What is needed less often, and asked for only when it is unfolded. */
const FOLDED_AT_FIRST = ['images', 'experiments', 'recurring'];

/** The side panel's content. */
export class PanelContent extends ReactWidget {
  constructor(options: PanelContent.IOptions) {
    super();
    this._options = options;
    this.addClass('kfops-Content');
  }

  protected override render(): JSX.Element {
    return <Content {...this._options} />;
  }

  private _options: PanelContent.IOptions;
}

export namespace PanelContent {
  export interface IOptions {
    model: KfopsModel;
    trans: TranslationBundle;
    stateDB: IStateDB | null;
    /** Execute a command of `CommandIDs`. */
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
    /** Opens the quickstart notebook; null where there is none. */
    openQuickstart: () => Promise<(() => Promise<unknown>) | null>;
  }
}

function Content(props: PanelContent.IOptions): JSX.Element {
  const { model, trans, execute } = props;
  useChanges(model.changed);
  const [folded, toggle] = useFolded(props.stateDB);
  const [openQuickstart, setOpenQuickstart] = useState<(() => Promise<unknown>) | null>(null);
  const findQuickstart = props.openQuickstart;
  useEffect(() => {
    void findQuickstart().then(open => setOpenQuickstart(() => open));
  }, [findQuickstart]);

  const state = model.state;
  const source = model.source.current;
  const actions: ISourceActions = {
    compile: () => execute(CommandIDs.compile, QUIET),
    upload: () => execute(CommandIDs.upload, QUIET),
    buildImages: () => execute(CommandIDs.buildImages, QUIET),
    run: () => execute(CommandIDs.run, QUIET),
    openGraph: () => execute(CommandIDs.openVersion, { path: source?.path ?? '' }),
    cancel: id => model.operations.cancel(id),
    openQuickstart
  };
  const section = (name: string) => ({
    name,
    folded: folded.has(name),
    onToggle: toggle
  });
  const openVersion = (id: string) => void execute(CommandIDs.openVersion, { version_id: id });
  const refresh = () => void execute(CommandIDs.refresh);
  return (
    <div className="kfops-Panel-content">
      <ConnectionLine
        state={state}
        connection={model.connection}
        trans={trans}
        onRefresh={refresh}
        onUse={use => execute(CommandIDs.useBackend, { use, ...QUIET })}
      />
      <Obstacle state={state} trans={trans} onRefresh={refresh} />
      {(state.kind === 'ready' || state.kind === 'no-backend') && (
        <>
          <Section
            {...section('source')}
            title={source?.kind === 'file' ? trans.__('This file') : trans.__('This notebook')}
            aside={
              source && (
                <span className="kfops-Section-aside kfops-Ellipsis" title={source.path}>
                  {source.name}
                </span>
              )
            }
          >
            <Source
              key={source?.path ?? ''}
              source={source}
              state={source && sourceState(source, model.operations)}
              actions={actions}
              hasBackend={state.kind === 'ready'}
              trans={trans}
            />
          </Section>
          {state.kind === 'ready' && (
            <>
              <Section
                {...section('runs')}
                title={trans.__('Runs')}
                count={model.runs.value?.length}
                aside={
                  <button
                    type="button"
                    className="kfops-Link kfops-Section-aside"
                    data-kfops="all-runs"
                    onClick={() => void execute(CommandIDs.openRuns)}
                  >
                    {trans.__('All…')}
                  </button>
                }
              >
                <Runs
                  runs={model.runs.state}
                  trans={trans}
                  onOpen={run => void execute(CommandIDs.openRun, { run_id: run.id })}
                  onStop={run => void execute(CommandIDs.stopRun, { run_id: run.id })}
                />
              </Section>
              <Section
                {...section('pipelines')}
                title={trans.__('Pipelines')}
                count={
                  model.pipelines.state.kind === 'ready'
                    ? model.pipelines.state.value.length
                    : undefined
                }
              >
                <Pipelines
                  model={model.pipelines}
                  operations={model.operations}
                  trans={trans}
                  onRun={version => void execute(CommandIDs.run, { version_id: version.id })}
                  onBuild={version =>
                    void execute(CommandIDs.buildImages, { version_id: version.id })
                  }
                  onOpen={version =>
                    void execute(CommandIDs.openVersion, { version_id: version.id })
                  }
                />
              </Section>
              <Section
                {...section('models')}
                title={trans.__('Models')}
                count={model.models.value?.length}
              >
                <Models
                  models={model.models.state}
                  trans={trans}
                  onOpenRun={runId => void execute(CommandIDs.openRun, { run_id: runId })}
                  onOpenVersion={openVersion}
                />
              </Section>
              <MoreSections
                model={model}
                trans={trans}
                section={section}
                onOpenVersion={openVersion}
                onOpenRuns={args => void execute(CommandIDs.openRuns, args)}
              />
            </>
          )}
        </>
      )}
    </div>
  );
}

/** The names of the folded sections, kept across reloads. */
function useFolded(stateDB: IStateDB | null): [ReadonlySet<string>, (name: string) => void] {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set(FOLDED_AT_FIRST));
  useEffect(() => {
    void stateDB?.fetch(FOLDED_KEY).then(saved => {
      if (Array.isArray(saved)) {
        setFolded(new Set(saved.map(String)));
      }
    });
  }, [stateDB]);
  const toggle = (name: string) => {
    const next = new Set(folded);
    if (!next.delete(name)) {
      next.add(name);
    }
    setFolded(next);
    void stateDB?.save(FOLDED_KEY, Array.from(next));
  };
  return [folded, toggle];
}
