import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { exactTime, shortId, timeAgo, versionTitle } from '../format';
import type { Loaded } from '../models/resource';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { imageWords } from './images';
import { Problem } from './problem';
import { Empty, Name, Skeleton } from './section';

/** The images that versions have of their own: which version each belongs to, and whether it has been built. */
export function ImageList(props: {
  versions: Loaded<Kfops.IPipelineVersion[]>;
  onOpenVersion: (versionId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { versions, trans } = props;
  if (versions.kind === 'loading') {
    return <Skeleton lines={2} label={trans.__('Loading')} />;
  }
  if (versions.kind === 'failed') {
    return <Problem error={versions.error} trans={trans} />;
  }
  if (!versions.value.length) {
    return (
      <Empty>
        {trans.__('No images yet. versioned_image gives a pipeline images of its own.')}
      </Empty>
    );
  }
  const words = imageWords(trans);
  return (
    <ul className="kfops-List" aria-label={trans.__('Images')}>
      {versions.value.flatMap(version =>
        version.images.map(image => (
          <li
            key={image.reference}
            className="kfops-Row"
            data-kfops="image-row"
            data-state={image.state}
          >
            <div className="kfops-Row-line">
              <Name text={image.name} className="kfops-Row-name" />
              <span className={`kfops-Images kfops-mod-${image.state}`} title={image.message}>
                {words[image.state]}
              </span>
              <span className="kfops-Row-time" title={exactTime(version.created_at)}>
                {timeAgo(version.created_at, trans)}
              </span>
            </div>
            <div className="kfops-Row-more">
              <button
                type="button"
                className="kfops-Link"
                data-kfops="image-version"
                title={version.id}
                onClick={() => props.onOpenVersion(version.id)}
              >
                {version.pipeline_name} · {versionTitle(version, trans)}
              </button>
              {image.digest && (
                <code title={image.digest}>{shortId(image.digest.split(':').pop()!)}</code>
              )}
              <CopyButton
                text={image.reference}
                label={trans.__('Copy the reference')}
                trans={trans}
              />
            </div>
          </li>
        ))
      )}
    </ul>
  );
}
