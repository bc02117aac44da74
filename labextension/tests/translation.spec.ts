import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import * as ts from 'typescript';

import { TEXT_DOMAIN } from '../src/tokens';

const SOURCES = join(__dirname, '..', 'src');
const SCHEMAS = join(__dirname, '..', 'schema');
const LOCALES = join(__dirname, '..', '..', 'kfops_lab', 'locale');

/** The texts of the panel: one for each call of the translator, with the plural where it has one. */
function textsOf(path: string): string[][] {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  );
  const found: string[][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const forms = { __: 1, _n: 2 }[node.expression.name.text];
      if (forms) {
        const texts = node.arguments.slice(0, forms);
        if (!texts.every(ts.isStringLiteralLike)) {
          throw new Error(`${path}: only literals can be translated: ${node.getText()}`);
        }
        found.push(texts.map(text => (text as ts.StringLiteralLike).text));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The texts of the settings editor, with the context that JupyterLab looks for them in. */
function settingsTexts(schema: Record<string, unknown>): string[][] {
  const found = (part: Record<string, unknown>, context: string, keys: string[]) =>
    keys.filter(key => typeof part[key] === 'string').map(key => `${context}\u0004${part[key]}`);
  const properties = Object.values(schema.properties as Record<string, Record<string, unknown>>);
  return [
    ...found(schema, 'schema', ['title', 'description']),
    ...found(schema, 'settings', ['jupyter.lab.setting-icon-label']),
    ...properties.flatMap(property => found(property, 'settings', ['title', 'description']))
  ].map(text => [text]);
}

const schemas = readdirSync(SCHEMAS).map(
  name => JSON.parse(readFileSync(join(SCHEMAS, name), 'utf8')) as Record<string, unknown>
);
const texts = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter(name => /\.tsx?$/.test(name))
  .flatMap(name => textsOf(join(SOURCES, name)))
  .concat(schemas.flatMap(settingsTexts));
const placeholders = (text: string) => (text.match(/%\d/g) ?? []).sort();

describe.each(readdirSync(LOCALES))('the panel in %s', locale => {
  const path = join(LOCALES, locale, 'LC_MESSAGES', `${TEXT_DOMAIN}.json`);
  const { '': head, ...catalogue } = JSON.parse(readFileSync(path, 'utf8')) as Record<
    string,
    string[]
  > & { '': Record<string, string> };

  it('says what JupyterLab reads of a catalogue', () => {
    expect(head).toMatchObject({
      domain: TEXT_DOMAIN,
      language: locale.replace('_', '-'),
      plural_forms: expect.stringMatching(/^nplurals=\d; plural=.+;$/) as string
    });
  });

  it('has settings that JupyterLab translates by it', () => {
    for (const schema of schemas) {
      expect(schema['jupyter.lab.internationalization']).toEqual({ domain: TEXT_DOMAIN });
    }
  });

  it('has every text, and none that is not used', () => {
    const used = new Set(texts.map(([text]) => text));
    expect(Object.keys(catalogue).sort()).toEqual(Array.from(used).sort());
  });

  it.each(texts)('has the forms and placeholders of "%s"', (...forms) => {
    const translated = catalogue[forms[0]!] ?? [];
    // JupyterLab takes a text with the wrong number of forms for one that has not been translated
    expect(translated).toHaveLength(forms.length);
    translated.forEach((text, index) => {
      expect(text.trim()).not.toBe('');
      expect(placeholders(text)).toEqual(placeholders(forms[index]!));
    });
  });
});
