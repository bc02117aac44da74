import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { IEditorTracker } from '@jupyterlab/fileeditor';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { Kfops } from '../tokens';

/** An open notebook or Python file. */
export interface ISourceDocument {
  kind: 'notebook' | 'file';
  path: string;
  /** The file's name. */
  name: string;
  /** Path and content as they stand in the editor, saved or not. */
  content(): Kfops.ISourceContent;
  /** A short digest of the code alone: outputs and cursors do not change it. */
  signature(): string;
  /** Show where an error happened: a line, of a cell where the source is a notebook; both from 1. */
  reveal(line: number, cell?: number): void;
}

/** Knows which notebook or Python file the person works on. */
export class SourceModel implements IDisposable {
  constructor(options: SourceModel.IOptions) {
    this._options = options;
    options.shell.currentChanged?.connect(this._onCurrentChanged, this);
    options.notebooks?.widgetAdded.connect(this._onCurrentChanged, this);
    options.editors?.widgetAdded.connect(this._onCurrentChanged, this);
    this._onCurrentChanged();
  }

  /** Emitted when another document is the current one, or its code has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get current(): ISourceDocument | null {
    return this._widget ? describe(this._widget, this._options.notebooks) : null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._follow(null);
    Signal.clearData(this);
  }

  private _onCurrentChanged(): void {
    const { shell, notebooks, editors } = this._options;
    const isDocument = (widget: Widget | null): widget is IDocumentWidget =>
      widget !== null &&
      ((notebooks?.has(widget) ?? false) ||
        ((editors?.has(widget) ?? false) &&
          (widget as IDocumentWidget).context.path.endsWith('.py')));
    const candidates = [shell.currentWidget, notebooks?.currentWidget ?? null];
    // a run's view in front does not take the notebook away that it came from
    const found = isDocument(candidates[0])
      ? candidates[0]
      : this._widget && !this._widget.isDisposed
        ? this._widget
        : candidates.find(isDocument);
    this._follow(found ?? null);
  }

  private _follow(widget: IDocumentWidget | null): void {
    if (widget === this._widget) {
      return;
    }
    const old = this._widget;
    if (old && !old.isDisposed) {
      old.context.model?.contentChanged.disconnect(this._onContentChanged, this);
      old.context.pathChanged.disconnect(this._onContentChanged, this);
      old.disposed.disconnect(this._onCurrentChanged, this);
    }
    this._widget = widget;
    if (widget) {
      widget.context.model?.contentChanged.connect(this._onContentChanged, this);
      widget.context.pathChanged.connect(this._onContentChanged, this);
      widget.disposed.connect(this._onCurrentChanged, this);
    }
    this._changed.emit();
  }

  private _onContentChanged(): void {
    this._changed.emit();
  }

  private _options: SourceModel.IOptions;
  private _widget: IDocumentWidget | null = null;
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

export namespace SourceModel {
  export interface IOptions {
    shell: JupyterFrontEnd.IShell;
    notebooks: INotebookTracker | null;
    editors: IEditorTracker | null;
  }
}

interface INotebookJson {
  cells?: { cell_type?: string; source?: string | string[] }[];
}

/** The code of a notebook or a file, without what does not bear on compiling it. */
export function codeOf(content: unknown): string {
  if (typeof content === 'string') {
    return content;
  }
  const cells = (content as INotebookJson | null)?.cells ?? [];
  return cells
    .filter(cell => cell.cell_type === 'code')
    .map(cell => (Array.isArray(cell.source) ? cell.source.join('') : (cell.source ?? '')))
    .join('\n\u0000');
}

/** A short digest (32-bit FNV-1a), to tell whether code has changed; not for anything that must be safe. */
export function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return `${text.length}-${hash.toString(16)}`;
}

function describe(widget: IDocumentWidget, notebooks: INotebookTracker | null): ISourceDocument {
  const path = widget.context.path;
  const isNotebook = notebooks?.has(widget) ?? false;
  const content = () =>
    isNotebook ? widget.context.model.toJSON() : (widget.context.model.toString() as unknown);
  return {
    kind: isNotebook ? 'notebook' : 'file',
    path,
    name: path.split('/').pop() ?? path,
    content: () => ({ path, content: content() }),
    signature: () => (widget.context.isReady ? digest(codeOf(content())) : ''),
    reveal: (line, cell) => {
      widget.activate();
      const editor = isNotebook
        ? editorOfCell(widget as NotebookPanel, cell)
        : editorOfFile(widget);
      if (editor) {
        const position = { line: Math.max(0, line - 1), column: 0 };
        editor.setCursorPosition(position);
        editor.revealPosition(position);
        editor.focus();
      }
    }
  };
}

/** What the code editors of JupyterLab 3 and 4 have in common and `reveal` needs. */
interface IEditor {
  setCursorPosition(position: { line: number; column: number }): void;
  revealPosition(position: { line: number; column: number }): void;
  focus(): void;
}

function editorOfFile(widget: IDocumentWidget): IEditor | null {
  return (widget.content as unknown as { editor?: IEditor }).editor ?? null;
}

function editorOfCell(panel: NotebookPanel, cell: number | undefined): IEditor | null {
  const notebook = panel.content;
  if (cell === undefined || cell < 1 || cell > notebook.widgets.length) {
    return null;
  }
  notebook.activeCellIndex = cell - 1;
  notebook.mode = 'edit';
  return (notebook.widgets[cell - 1]?.editor as IEditor | null | undefined) ?? null;
}
