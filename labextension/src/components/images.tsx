import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Kfops } from '../tokens';

/** What is to say of an image. */
export function imageWords(trans: TranslationBundle): Record<Kfops.IImageVersion['state'], string> {
  return {
    ready: trans.__('ready'),
    missing: trans.__('not built'),
    unknown: trans.__('not known')
  };
}

/** Whether the images of a version are all there; each one on hover. */
export function Images(props: {
  images: Kfops.IImageVersion[];
  trans: TranslationBundle;
}): JSX.Element | null {
  const { images, trans } = props;
  if (!images.length) {
    return null;
  }
  const stateWords = imageWords(trans);
  const ready = images.filter(image => image.state === 'ready').length;
  const unknown = images.some(image => image.state === 'unknown');
  const state = ready === images.length ? 'ready' : unknown ? 'unknown' : 'missing';
  const words = {
    ready: trans._n('%1 image ready', '%1 images ready', images.length, images.length),
    missing: trans.__('%1 of %2 images ready', ready, images.length),
    unknown: trans.__('images: not known')
  };
  const title = images
    .map(image =>
      [image.reference, stateWords[image.state], image.message].filter(Boolean).join(' · ')
    )
    .join('\n');
  return (
    <span
      className={`kfops-Images kfops-mod-${state}`}
      data-kfops="images"
      data-state={state}
      title={title}
    >
      {words[state]}
    </span>
  );
}
