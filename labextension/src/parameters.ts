import type { TranslationBundle } from '@jupyterlab/translation';

import type { Kfops } from './tokens';

/** What stands in the form: a checkbox's state, or the text of a field. */
export type FieldValue = string | boolean;

/** The outcome of reading a field: a value to send, or what is wrong with it. */
export type FieldReading = { ok: true; value: unknown } | { ok: false; message: string };

/** The parameter that kfops fills itself, with the pipeline version's id. */
export const VERSION_PARAMETER = 'version_id';

/** The parameters that a person fills in. */
export function formParameters(parameters: Kfops.IParameter[]): Kfops.IParameter[] {
  return parameters.filter(parameter => parameter.name !== VERSION_PARAMETER);
}

/** What a field shows first: the value of an earlier run where there is one, else the default. */
export function initialField(parameter: Kfops.IParameter, earlier?: unknown): FieldValue {
  const value = earlier ?? parameter.default;
  if (parameter.type === 'boolean') {
    return typeof value === 'string' ? /^(true|1|yes)$/i.test(value.trim()) : Boolean(value);
  }
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value === 'string') {
    return value;
  }
  return parameter.type === 'list' || parameter.type === 'dict' ? spacedJson(value) : String(value);
}

/** JSON on one line, with a space after each comma and colon. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(spacedJson).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(
      ([key, inner]) => `${JSON.stringify(key)}: ${spacedJson(inner)}`
    );
    return `{${pairs.join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** Read a field as its parameter's type. */
export function readField(
  parameter: Kfops.IParameter,
  field: FieldValue,
  trans: TranslationBundle
): FieldReading {
  if (typeof field === 'boolean') {
    return { ok: true, value: field };
  }
  const text = field.trim();
  if (text === '' && parameter.type !== 'string') {
    return parameter.required
      ? { ok: false, message: trans.__('A value is needed.') }
      : { ok: true, value: undefined };
  }
  switch (parameter.type) {
    case 'integer':
      if (!/^[+-]?\d+$/.test(text)) {
        return { ok: false, message: trans.__('A whole number is needed, such as 3.') };
      }
      // a number that JavaScript cannot hold exactly goes as the text it is
      return { ok: true, value: Number.isSafeInteger(Number(text)) ? Number(text) : text };
    case 'float':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
        ? { ok: true, value: Number(text) }
        : { ok: false, message: trans.__('A number is needed, such as 0.1 or 1e-3.') };
    case 'list':
    case 'dict':
      return readJson(parameter.type, text, trans);
    default:
      return parameter.required && field === ''
        ? { ok: false, message: trans.__('A value is needed.') }
        : { ok: true, value: field };
  }
}

function readJson(type: 'list' | 'dict', text: string, trans: TranslationBundle): FieldReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    return { ok: false, message: trans.__('This is not JSON: %1', why) };
  }
  if (type === 'list' && !Array.isArray(value)) {
    return { ok: false, message: trans.__('A JSON list is needed, such as [1, 2].') };
  }
  if (type === 'dict' && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    return { ok: false, message: trans.__('A JSON object is needed, such as {"a": 1}.') };
  }
  return { ok: true, value };
}

/**
 * Read a whole form.
 *
 * @returns the parameters to send, without those left empty, and what is wrong by field
 */
export function readForm(
  parameters: Kfops.IParameter[],
  fields: Record<string, FieldValue>,
  trans: TranslationBundle
): { values: Record<string, unknown>; problems: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const parameter of parameters) {
    const reading = readField(parameter, fields[parameter.name] ?? '', trans);
    if (!reading.ok) {
      problems[parameter.name] = reading.message;
    } else if (reading.value !== undefined) {
      values[parameter.name] = reading.value;
    }
  }
  return { values, problems };
}
