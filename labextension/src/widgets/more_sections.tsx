import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect } from 'react';

import { Experiments } from '../components/experiments';
import { ImageList } from '../components/image_list';
import { Recurring } from '../components/recurring';
import { Section } from '../components/section';
import type { KfopsModel, SectionName } from '../models/kfops';
import type { Kfops } from '../tokens';

/** The sections that are folded at first: images, experiments, recurring runs. */
export function MoreSections(props: {
  model: KfopsModel;
  trans: TranslationBundle;
  section: (name: string) => { name: string; folded: boolean; onToggle: (name: string) => void };
  onOpenVersion: (versionId: string) => void;
  /** Open the runs of what an argument of the command names. */
  onOpenRuns: (args: Record<string, string>) => void;
}): JSX.Element {
  const { model, trans, section, onOpenVersion, onOpenRuns } = props;
  const { api } = model;
  const part = (name: SectionName) => {
    const { value } = model[name];
    return { ...section(name), count: value?.length };
  };
  const parts = {
    images: part('images'),
    experiments: part('experiments'),
    recurring: part('recurring')
  };
  const { images, experiments, recurring } = parts;
  useEffect(() => model.setOpened('images', !images.folded), [model, images.folded]);
  useEffect(() => model.setOpened('experiments', !experiments.folded), [model, experiments.folded]);
  useEffect(() => model.setOpened('recurring', !recurring.folded), [model, recurring.folded]);
  const isSure = async (title: string, body: string, accept: string) => {
    const buttons = [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: accept })
    ];
    return (await showDialog({ title, body, buttons })).button.accept;
  };
  const archive = async (experiment: Kfops.IExperiment) => {
    const title = trans.__('Archive %1?', experiment.name);
    const body = trans.__('Its runs are archived with it, and its recurring runs paused.');
    if (await isSure(title, body, trans.__('Archive'))) {
      await api.archiveExperiment(experiment.id, true);
      await Promise.all([model.experiments.refresh(), model.runs.refresh()]);
    }
  };
  const remove = async (one: Kfops.IRecurringRun) => {
    const title = trans.__('Delete %1?', one.name);
    const body = trans.__('The runs that it has started stay.');
    if (await isSure(title, body, trans.__('Delete'))) {
      await api.deleteRecurringRun(one.id);
      await model.recurring.refresh();
    }
  };
  return (
    <>
      <Section {...images} title={trans.__('Images')}>
        <ImageList versions={model.images.state} onOpenVersion={onOpenVersion} trans={trans} />
      </Section>
      <Section {...experiments} title={trans.__('Experiments')}>
        <Experiments
          experiments={model.experiments.state}
          onCreate={async name => {
            await api.createExperiment(name);
            await model.experiments.refresh();
          }}
          onArchive={archive}
          onOpenRuns={({ id, name }) => onOpenRuns({ experiment_id: id, of: name })}
          trans={trans}
        />
      </Section>
      <Section {...recurring} title={trans.__('Recurring runs')}>
        <Recurring
          recurring={model.recurring.state}
          onPause={async (one, enabled) => {
            await api.pauseRecurringRun(one.id, enabled);
            await model.recurring.refresh();
          }}
          onDelete={remove}
          onOpenVersion={onOpenVersion}
          onOpenRuns={({ id, name }) => onOpenRuns({ recurring_run_id: id, of: name })}
          trans={trans}
        />
      </Section>
    </>
  );
}
